"""``adl demo``: a crash on chains of this machine, and how it is settled."""

import asyncio
import os
from dataclasses import replace
from typing import Annotated

import typer

from coordinator.cli.command import command
from coordinator.cli.console import Console, log_to_stderr
from coordinator.cli.exits import Exit
from coordinator.demo.keep import Release, detach, until_stopped
from coordinator.demo.report import report
from coordinator.demo.result import DemoResult
from coordinator.demo.run import DemoOptions, play
from coordinator.demo.story import kept_alive, story
from coordinator.demo.tally import tally

__all__ = ["add_commands"]

_USUAL = DemoOptions()


def add_commands(app: typer.Typer) -> None:
    """Register them."""
    command(app, "adl demo", "adl demo --chains 2 --accounts 100 --json")(demo)


def demo(
    console: Console,
    *,
    chains: Annotated[int, typer.Option(help="How many chains.")] = _USUAL.chains,
    accounts: Annotated[int, typer.Option(help="Over all chains.")] = _USUAL.accounts,
    seed: Annotated[int, typer.Option(help="Another seed, other books.")] = _USUAL.seed,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the chains running.")] = False,
) -> Exit:
    """Start chains here, fill them with invented books, crash the market, settle it, tell it.

    Nothing outside this machine is asked, and no key or settings are needed. Exit status 1 where a
    venue is insolvent beyond what the last plan declares, or a check of the outcome fails.
    """
    try:
        options = DemoOptions(chains=chains, accounts=accounts, seed=seed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    release = detach() if keep else None
    if isinstance(release, int):  # the command itself: whoever holds the chains has spoken
        raise typer.Exit(release)
    log_to_stderr(replace(console, quiet=True), mode="demo")
    return asyncio.run(_demo(console, options, release))


async def _demo(console: Console, options: DemoOptions, release: Release | None) -> Exit:
    async with play(options, tell=console.note) as played:
        result = tally(played)
        code = Exit.DONE if result.is_good else Exit.NO
        console.answer(report(result), _told(console, result, release))
        if release is not None:
            release(code)
            await until_stopped()
    return code


def _told(console: Console, result: DemoResult, release: Release | None) -> str:
    text = story(result, ink="standard" if console.has_color else None)
    kept = "" if release is None else kept_alive(result, process_id=os.getpid())
    return (text + kept).rstrip()
