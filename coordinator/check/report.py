"""The looks of ``adl check`` in the order in which a run needs things: machine first."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from chains.answers import hexed
from chains.base import TransactionSigner
from chains.venue import VenueReader
from coordinator.check.finding import Finding, fail, looked, ok, warn
from coordinator.check.keys import check_balance, check_journal
from coordinator.check.machine import check_clock, check_machine
from coordinator.check.market import check_index, check_listed, check_surface
from coordinator.check.venue import (
    check_book,
    check_code,
    check_node,
    check_policy,
    check_signers,
    check_stop,
    deployed,
)
from coordinator.errors import SettingsError
from coordinator.settings import Loaded, Settings, load_settings
from coordinator.wiring import (
    Connection,
    connected,
    index_sources,
    lanes_of,
    load_signer,
    readers_of,
    surface_sources,
)

__all__ = ["report"]

_NODE_CURE = "start the node, or correct its address in settings"
_VENUE_CURE = "correct this venue's table in settings"
_ORACLE_CURE = "correct this oracle's table in settings"

Findings = AsyncIterator[Finding]
Keys = dict[str, TransactionSigner]


async def report(file: Path | None) -> Findings:
    """Every finding as soon as it is known; no look stops the ones after it, unless settings do."""
    for finding in check_machine():
        yield finding
    try:
        loaded = load_settings(file)
    except SettingsError as error:
        for line in str(error).splitlines():
            yield fail("settings", line, "correct it; adl config --default shows every key")
        return
    yield _settings(loaded)
    async for finding in _set_up(loaded.settings):
        yield finding


async def _set_up(settings: Settings) -> Findings:
    keys: Keys = {}
    async for finding in _keys(settings, keys):
        yield finding
    try:
        async with connected(settings) as connections:
            async for finding in _remote(settings, connections, keys):
                yield finding
    except SettingsError as error:
        yield fail("nodes", str(error), "correct that file or number")
    if settings.journal is not None:
        look = check_journal(settings.journal.url)
        yield await looked("journal", look, cure="stop the other process, or correct journal.url")


def _settings(loaded: Loaded) -> Finding:
    settings = loaded.settings
    found = f"{loaded.name}, mode {settings.mode}"
    if not settings.venues:
        cure = "name chains, venues, oracles and underlyings: adl config --default"
        return fail("settings", f"{found}, no venue", cure)
    if settings.executor is None or settings.journal is None or not settings.verifiers:
        missing = "executor, journal and verifiers are not all set"
        return warn("settings", f"{found}, {missing}", "nothing, unless this is to run live")
    return ok("settings", found)


async def _keys(settings: Settings, keys: Keys) -> Findings:
    """Load every key; ``keys`` gets those that could be read."""
    ids = [chain.chain_id for chain in settings.chains.values()]
    wanted = {f"verifiers.{name}": key for name, key in settings.verifiers.items()}
    executor = {"executor": settings.executor} if settings.executor else {}
    for where, key in {**wanted, **executor}.items():
        look = load_signer(key, ids)
        signer = await looked(f"key {where}", look, cure="correct keystore or password_file")
        if isinstance(signer, Finding):
            yield signer
        else:
            keys[where] = signer
            yield ok(f"key {where}", hexed(signer.address))


async def _remote(settings: Settings, connections: dict[str, Connection], keys: Keys) -> Findings:
    heads_s: dict[str, int] = {}
    async for finding in _nodes(connections, heads_s):
        yield finding
    if heads_s:
        yield check_clock(now_s=int(time.time()), heads_s=heads_s)
    for name, reader in readers_of(settings, connections).items():
        on = settings.chain_name(settings.venues[name].chain)
        if on not in heads_s:
            yield fail(f"venue {name}", f"chain {on} was not reached", "see its nodes above")
            continue
        async for finding in _venue(name, reader, settings, connections, keys):
            yield finding
    async for finding in _market(settings, connections):
        yield finding
    if signer := keys.get("executor"):
        lanes = lanes_of(settings, connections, signer)
        for name in heads_s:
            look = check_balance(name, lanes[name].port, signer.address)
            yield await looked(f"executor on {name}", look, cure=_NODE_CURE)


async def _nodes(connections: dict[str, Connection], heads_s: dict[str, int]) -> Findings:
    """All nodes at once; ``heads_s`` gets the newest block time of each chain."""
    for name, connection in connections.items():
        looks = [
            looked(f"node {node.name}", check_node(node, connection), cure=_NODE_CURE)
            for node in connection.nodes
        ]
        for result in await asyncio.gather(*looks):
            if isinstance(result, Finding):
                yield result
                continue
            finding, head = result
            heads_s[name] = max(heads_s.get(name, 0), head.timestamp_s)
            yield finding


async def _venue(
    name: str,
    reader: VenueReader,
    settings: Settings,
    connections: dict[str, Connection],
    keys: Keys,
) -> Findings:
    venue = settings.venues[name]
    endpoints = connections[settings.chain_name(venue.chain)].endpoints
    where = f"venue {name}"
    code = await looked(f"{where}: contracts", check_code(name, venue, endpoints), cure=_NODE_CURE)
    yield code
    gate = await looked(f"{where}: gate", deployed(name, venue, endpoints), cure=_VENUE_CURE)
    if isinstance(gate, Finding):
        yield gate
        return
    yield check_stop(name, gate, now_s=int(time.time()))
    yield check_policy(name, gate, settings.policy)
    ours = {
        verifier.index: keys[f"verifiers.{one}"].address
        for one, verifier in settings.verifiers.items()
        if f"verifiers.{one}" in keys
    }
    yield check_signers(name, gate, ours, settings.threshold)
    book = await looked(f"{where}: book", check_book(name, reader), cure=_VENUE_CURE)
    if isinstance(book, Finding):
        yield book
        return
    yield book[0]
    yield check_listed(name, book[1], frozenset(settings.underlyings))


async def _market(settings: Settings, connections: dict[str, Connection]) -> Findings:
    now_ms, policy = int(time.time() * 1_000), settings.policy
    surfaces = surface_sources(settings)
    for name, source in index_sources(settings, connections).items():
        index = check_index(name, source, policy, now_ms=now_ms)
        yield await looked(f"index {name}", index, cure=_ORACLE_CURE)
        surface = check_surface(name, surfaces[name], policy, now_ms=now_ms)
        yield await looked(f"surface {name}", surface, cure=_ORACLE_CURE)
