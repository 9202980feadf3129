"""Ask a chain everything that one pass of driving a plan needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chains.base import Level
from chains.together import together
from coordinator.act.book import Entry
from coordinator.act.goals import View
from coordinator.act.lane import Lane
from coordinator.act.lifecycle import SPENT
from coordinator.act.observe import NonceSight, Seen
from coordinator.act.sites import Site

__all__ = ["Look", "look_at"]


@dataclass(frozen=True, slots=True)
class Look:
    """``seen``: our attempts that stand in a block, by intent. Views by gate."""

    sight: NonceSight
    seen: Mapping[str, Seen]
    latest: Mapping[bytes, View]
    final: Mapping[bytes, View]


async def look_at(
    lane: Lane,
    sites: Sequence[Site],
    entries: Iterable[Entry],
    sight: NonceSight,
    *,
    settled: Iterable[str],
) -> Look:
    """After heads and nonces (``sight``) receipts, then gates. Raises ChainError.

    ``settled``: refunds that the contract refused at LATEST.
    """
    watched = [entry for entry in entries if _may_stand(entry, sight)]
    found = await together(_seen(lane, entry) for entry in watched)
    seen = {entry.key: one for entry, one in zip(watched, found, strict=True) if one}
    latest = await together(_view(lane, site, Level.LATEST, frozenset()) for site in sites)
    final = await together(_view(lane, site, Level.FINAL, frozenset(settled)) for site in sites)
    gates = [site.gate for site in sites]
    return Look(
        sight,
        seen,
        dict(zip(gates, latest, strict=True)),
        dict(zip(gates, final, strict=True)),
    )


def _may_stand(entry: Entry, sight: NonceSight) -> bool:
    if not entry.is_open or not entry.attempts or entry.nonce is None:
        return False
    return entry.state in SPENT or entry.nonce < sight.nonce_latest


async def _seen(lane: Lane, entry: Entry) -> Seen | None:
    for attempt in reversed(entry.attempts):
        receipt = await lane.port.receipt(attempt.hash)
        if receipt is not None:
            return Seen(receipt, is_empty=bool(attempt.is_empty))
    return None


async def _view(lane: Lane, site: Site, level: Level, settled: frozenset[str]) -> View:
    gate = lane.gates[site.gate]
    progress = await gate.progress(site.epoch, chunks=len(site.chunks), level=level)
    sides = {edge.box: await gate.edge_side(edge, level=level) for edge in site.edges}
    return View(site.header, progress, sides, settled)
