"""``python -m coordinator.cli`` is the same as ``adl``."""

from coordinator.cli.app import main

main()
