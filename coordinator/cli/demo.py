"""``adl demo``."""


import typer

from coordinator.cli.command import command

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Register them."""
    command(app, "adl demo", "adl demo --seed 7 --json")(demo)
