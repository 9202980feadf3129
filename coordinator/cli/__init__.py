"""The command line: ``adl COMMAND``. Answers go to stdout, everything else to stderr."""

from coordinator.cli.app import main

__all__ = ["main"]
