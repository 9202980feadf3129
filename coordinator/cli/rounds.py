"""``adl run``, ``once`` and ``rank``: look at the chains, decide, and in live mode send."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from coordinator.act.attest import Verifier
from coordinator.act.clock import SystemClock
from coordinator.check import insist_on_live, insist_on_shadow
from coordinator.cli.command import command
from coordinator.cli.consent import AskedVerifier, Consent, ask_on_terminal, require_terminal
from coordinator.cli.console import Console, log_to_stderr
from coordinator.cli.exits import Exit, InputUnreadable
from coordinator.cli.rounds_text import rank_document, rank_text, round_document, round_text
from coordinator.decide.assess import assess
from coordinator.decide.snapshot import Carried
from coordinator.engine import Engine
from coordinator.errors import SettingsError
from coordinator.settings import Loaded, Settings, load_settings
from coordinator.wiring import (
    collector_of,
    connected,
    live_engine,
    shadow_engine,
    verifier_keys,
)
from kernels.backend import choose_backend

__all__ = ["add_commands"]

Live = Annotated[bool, typer.Option("--live", help='Send; needs mode = "live" in settings too.')]
Confirm = Annotated[
    bool, typer.Option("--confirm", help="Ask at the terminal before each plan is signed.")
]
Save = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the plan document there, for adl verify."),
]


def add_commands(app: typer.Typer) -> None:
    """Register them."""
    command(app, "adl run", "adl run --live --confirm")(run)
    command(app, "adl once", "adl once --save plan.cbor && adl verify plan.cbor")(once)
    command(app, "adl rank", "adl rank --limit 100 --json")(rank)


def run(
    console: Console,
    *,
    live: Live = False,
    confirm: Confirm = False,
    once: Annotated[bool, typer.Option("--once", help="One round, as adl once.")] = False,
    pause_ms: Annotated[
        int, typer.Option(min=100, max=3_600_000, help="Between two rounds.")
    ] = 2_000,
) -> Exit:
    """Run rounds until stopped: in shadow mode plans are made and never sent.

    What happens is logged on stderr.
    """
    loaded = _prepared(console, live=live, confirm=confirm)
    if once:
        return asyncio.run(_once(console, loaded.settings, confirm=confirm, save=None))
    return asyncio.run(_until_stopped(loaded.settings, confirm=confirm, pause_ms=pause_ms))


def once(
    console: Console, *, live: Live = False, confirm: Confirm = False, save: Save = None
) -> Exit:
    """Run one round and say what was decided; in live mode, drive it until nothing is left.

    Exit status 1 where a live plan was not carried out completely.
    """
    loaded = _prepared(console, live=live, confirm=confirm)
    return asyncio.run(_once(console, loaded.settings, confirm=confirm, save=save))


def rank(
    console: Console,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many rows.")] = 20,
) -> Exit:
    """Show the one ranking over all chains; position 1 is deleveraged first."""
    loaded = load_settings(console.config)
    log_to_stderr(console, mode=loaded.settings.mode)
    return asyncio.run(_rank(console, loaded.settings, limit=limit))


def _prepared(console: Console, *, live: bool, confirm: bool) -> Loaded:
    """Settings and mode agree, and a question can be asked; raises SettingsError."""
    loaded = load_settings(console.config)
    mode = loaded.settings.mode
    said = f'mode = "{mode}" (from {loaded.source("mode")})'
    if live and mode != "live":
        raise SettingsError(
            f"--live was given, but {said}: nothing is sent; sending needs both --live and "
            'mode = "live" in settings'
        )
    if mode == "live" and not live:
        raise SettingsError(
            f"{said}, but --live was not given: nothing is sent; sending needs both, and "
            'planning only needs mode = "shadow"'
        )
    if confirm and not live:
        raise SettingsError("--confirm asks before sending, and shadow mode never sends; drop it")
    if confirm:
        require_terminal()
    log_to_stderr(console, mode=mode)
    does = "plans are signed and sent" if live else "plans are made and never sent"
    venues = ", ".join(loaded.settings.venues) or "none"
    console.note(f"adl: mode {mode}, {does}; venues: {venues}; settings: {loaded.name}")
    return loaded


@asynccontextmanager
async def _engine(settings: Settings, *, confirm: bool) -> AsyncIterator[Engine]:
    """The engine of the mode, once chains and contracts proved to be the ones meant."""
    async with connected(settings) as connections:
        if settings.mode == "shadow":
            await insist_on_shadow(settings, connections)
            yield shadow_engine(settings, connections)
            return
        keys = await verifier_keys(settings)
        await insist_on_live(settings, connections, keys)
        consent = Consent(ask_on_terminal)

        def asked(verifier: Verifier) -> Verifier:
            return AskedVerifier(verifier, consent) if confirm else verifier

        async with live_engine(settings, connections, keys, asked=asked) as engine:
            yield engine


async def _once(console: Console, settings: Settings, *, confirm: bool, save: Path | None) -> Exit:
    async with _engine(settings, confirm=confirm) as engine:
        round_ = await engine.run_round()
        if save is not None:
            _write(save, round_.document.to_bytes())
        outcome = await engine.drive(round_)
    mode = settings.mode
    console.answer(round_document(round_, mode, outcome), round_text(round_, mode, outcome))
    return Exit.NO if outcome is not None and not outcome.is_achieved else Exit.DONE


async def _until_stopped(settings: Settings, *, confirm: bool, pause_ms: int) -> Exit:
    """SIGTERM is how a service is stopped; the journal makes any moment a good one."""
    running = asyncio.ensure_future(_forever(settings, confirm=confirm, pause_ms=pause_ms))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        if not running.cancelled():
            raise
    return Exit.DONE


async def _forever(settings: Settings, *, confirm: bool, pause_ms: int) -> None:
    async with _engine(settings, confirm=confirm) as engine:
        await engine.run_forever(pause_ms=pause_ms)


async def _rank(console: Console, settings: Settings, *, limit: int) -> Exit:
    async with connected(settings) as connections:
        await insist_on_shadow(settings, connections)
        snapshot = await collector_of(settings, connections).collect(
            now_ms=SystemClock().now_ms(), carried=Carried(), policy=settings.policy
        )
    assessment = assess(snapshot, settings.policy, choose_backend(None))
    mode = settings.mode
    console.answer(
        rank_document(snapshot, assessment, mode, limit=limit),
        rank_text(snapshot, assessment, mode, limit=limit),
    )
    return Exit.DONE


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise InputUnreadable(f"{file}: cannot be written: {error.strerror}") from None
