"""``adl demo``."""

from typing import Annotated

import typer

from coordinator.cli.command import command
from coordinator.cli.console import Console
from coordinator.cli.exits import Exit

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Register them."""
    command(app, "adl demo", "adl demo --seed 7 --json")(demo)
