"""Where a command writes: the answer to stdout, in one of two forms; the rest to stderr."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
import typer

__all__ = ["Console", "log_to_stderr", "painted"]

_LOG_LEVELS = {"quiet": 30, "usual": 20, "debug": 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What every command was asked for, besides its own options."""

    config: Path | None
    json: bool
    quiet: bool
    no_color: bool
    debug: bool

    @property
    def has_color(self) -> bool:
        """On a terminal, unless --no-color or NO_COLOR (no-color.org: any value but none)."""
        return sys.stdout.isatty() and not self.no_color and not os.environ.get("NO_COLOR")

    def answer(self, document: Mapping[str, object], text: str) -> None:
        """One answer: a JSON line for programs, or text for people."""
        self.say(json.dumps(document) if self.json else text)

    def say(self, text: str) -> None:
        """A part of the answer that has one form only."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Progress, which --quiet drops."""
        if not self.quiet:
            sys.stderr.write(text + "\n")

    def refuse(self, text: str) -> None:
        """Why the command stops."""
        sys.stderr.write("".join(f"adl: {line}\n" for line in text.splitlines()))


def painted(console: Console, text: str, color: str) -> str:
    """Text in a colour, where there is one; colour never is the only sign."""
    return typer.style(text, fg=color) if console.has_color else text


def log_to_stderr(console: Console, *, mode: str) -> None:
    """Every log line carries an ISO 8601 time in UTC and the mode."""
    wanted = "debug" if console.debug else "quiet" if console.quiet else "usual"
    colors = sys.stderr.isatty() and console.has_color
    form = (
        structlog.processors.JSONRenderer()
        if console.json
        else structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            form,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LOG_LEVELS[wanted]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(mode=mode)
