"""How a function becomes a command: common options, examples, and errors without tracebacks."""

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from coordinator.cli.console import Console
from coordinator.cli.exits import OWN_ERRORS, Exit, blamed, exit_of

__all__ = ["command"]

Action = Callable[..., Exit]

_COMMON: dict[str, Any] = {
    "config": Annotated[
        Path | None,
        typer.Option(
            help="Settings file; else $ADL_CONFIG, ./adl.toml, /etc/adl/adl.toml.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    "json": Annotated[bool, typer.Option("--json", help="Answer in JSON.")],
    "quiet": Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")],
    "no_color": Annotated[bool, typer.Option("--no-color", help="No colours (also NO_COLOR).")],
    "debug": Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")],
}


def command(app: typer.Typer, *examples: str) -> Callable[[Action], Action]:
    """Register ``action(console, ...)`` under its own name; its docstring is the help text."""

    def register(action: Action) -> Action:
        _, *own = inspect.signature(action, eval_str=True).parameters.values()

        def invoke(**given: Any) -> None:  # noqa: ANN401
            console = Console(**{name: given.pop(name) for name in _COMMON})
            raise typer.Exit(_carried_out(action, console, given))

        invoke.__signature__ = inspect.Signature([*own, *_common()])  # type: ignore[attr-defined]
        invoke.__doc__ = action.__doc__
        epilog = "\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples)
        app.command(action.__name__.rstrip("_"), epilog=epilog)(invoke)
        return action

    return register


def _common() -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=None if name == "config" else False,
        )
        for name, annotation in _COMMON.items()
    ]


def _carried_out(action: Action, console: Console, given: dict[str, Any]) -> Exit:
    try:
        return action(console, **given)
    except OWN_ERRORS as error:
        return _refused(console, error)
    except ExceptionGroup as group:
        gravest = blamed(group)
        if gravest is None:
            raise
        return _refused(console, gravest)


def _refused(console: Console, error: Exception) -> Exit:
    if console.debug:
        traceback.print_exception(error)
    console.refuse(str(error))
    return exit_of(error)
