"""All commands of ``adl``."""

import typer

from coordinator.cli import demo, inspection, rounds, verification

__all__ = ["app", "main"]

app = typer.Typer(
    name="adl",
    help="Cross-chain auto-deleveraging for options and perpetuals.",
    epilog="\b\nExamples:\n  adl demo\n  adl config --default > adl.toml && adl check",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for group in (demo, rounds, verification, inspection):
    group.add_commands(app)


def main() -> None:
    """Entry point of the ``adl`` script."""
    app(prog_name="adl")
