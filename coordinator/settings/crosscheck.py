"""What no single setting can know: names that must exist, numbers that must fit each other.

Each check yields (key, reason); all of them run, so that one start names every fault.
"""

from collections.abc import Iterator
from itertools import chain as joined

from chains.signer import DEV_CHAIN_IDS
from coordinator.settings.model import ChainlinkSettings, KeySettings, OracleSettings, Settings

__all__ = ["Fault", "faults_of"]

Fault = tuple[str, str]


def faults_of(settings: Settings) -> list[Fault]:
    """Every contradiction, in the order of the tables."""
    checks = (_chains, _venues, _oracles, _underlyings, _verifiers, _executor, _live)
    return list(joined.from_iterable(check(settings) for check in checks))


def _chains(settings: Settings) -> Iterator[Fault]:
    seen: dict[int, str] = {}
    for name, chain in settings.chains.items():
        where = f"chains.{name}"
        if bool(chain.rpc_urls) == (chain.url_file is not None):
            yield f"{where}.rpc_urls", "give either rpc_urls or url_file"
        if chain.rpc_urls and (reason := quorum_fault(chain.rpc_quorum, len(chain.rpc_urls))):
            yield f"{where}.rpc_quorum", reason
        if chain.chain_id in seen:
            yield f"{where}.chain_id", f"{chain.chain_id} is also chains.{seen[chain.chain_id]}"
        seen.setdefault(chain.chain_id, name)


def quorum_fault(needed: int, nodes: int) -> str:
    """Why so many nodes cannot decide, or nothing. One node may be trusted alone; two agreeing
    ones of four prove nothing, because the other two may agree on something else."""
    if needed > nodes:
        return f"{needed} of {nodes} nodes cannot agree; name more or ask for fewer"
    if needed > 1 and 2 * needed <= nodes:
        return f"{needed} of {nodes} nodes is no majority; at least {nodes // 2 + 1}"
    return ""


def _venues(settings: Settings) -> Iterator[Fault]:
    seen: dict[tuple[str, str], str] = {}
    for name, venue in settings.venues.items():
        where = f"venues.{name}"
        yield from _chain_exists(settings, f"{where}.chain", venue.chain)
        place = (settings.chain_name(venue.chain), venue.gate)
        if place in seen:
            yield f"{where}.gate", f"is also the gate of venues.{seen[place]}"
        seen.setdefault(place, name)
        if venue.reserve == venue.gate:
            yield f"{where}.reserve", "is the gate; the settlement contract has its own address"


def _oracles(settings: Settings) -> Iterator[Fault]:
    for name, oracle in settings.oracles.items():
        if isinstance(oracle, ChainlinkSettings):
            yield from _chain_exists(settings, f"oracles.{name}.chain", oracle.chain)


def _chain_exists(settings: Settings, key: str, wanted: str | None) -> Iterator[Fault]:
    name = settings.chain_name(wanted)
    if not name:
        yield key, f"missing; one of {_listed(settings.chains)}"
    elif name not in settings.chains:
        yield key, f"there is no chains.{name}; one of {_listed(settings.chains)}"


def _underlyings(settings: Settings) -> Iterator[Fault]:
    for name in settings.underlyings:
        where = f"underlyings.{name}"
        index, surface = settings.index_oracle(name), settings.surface_oracle(name)
        yield from _oracle_exists(settings, f"{where}.index", index)
        yield from _oracle_exists(settings, f"{where}.surface", surface)
        if not _quotes_index(settings.oracles.get(index), name):
            yield f"{where}.index", f"oracles.{index} has no feed of {name}"
        if isinstance(settings.oracles.get(surface), ChainlinkSettings):
            yield f"{where}.surface", f"oracles.{surface} quotes no surfaces"
    if settings.venues and not settings.underlyings:
        yield "underlyings", "missing; a venue needs prices: add a table such as [underlyings.BTC]"


def _quotes_index(oracle: OracleSettings | None, underlying: str) -> bool:
    return not isinstance(oracle, ChainlinkSettings) or underlying in oracle.feeds


def _oracle_exists(settings: Settings, key: str, name: str) -> Iterator[Fault]:
    if not name:
        yield key, f"missing; one of {_listed(settings.oracles)}"
    elif name not in settings.oracles:
        yield key, f"there is no oracles.{name}; one of {_listed(settings.oracles)}"


def _verifiers(settings: Settings) -> Iterator[Fault]:
    seen: dict[int, str] = {}
    for name, verifier in settings.verifiers.items():
        yield from _key(settings, f"verifiers.{name}", verifier)
        if verifier.index in seen:
            yield f"verifiers.{name}.index", f"is also that of verifiers.{seen[verifier.index]}"
        seen.setdefault(verifier.index, name)
    if settings.verifiers and settings.threshold > len(settings.verifiers):
        yield (
            "attestation.threshold",
            f"{settings.threshold} signatures, but only {len(settings.verifiers)} verifiers",
        )


def _executor(settings: Settings) -> Iterator[Fault]:
    if settings.executor is not None:
        yield from _key(settings, "executor", settings.executor)


def _key(settings: Settings, where: str, key: KeySettings) -> Iterator[Fault]:
    if key.dev_key_index is None:
        for name in ("keystore", "password_file"):
            if getattr(key, name) is None:
                yield f"{where}.{name}", "missing"
        return
    if key.keystore or key.password_file:
        yield f"{where}.dev_key_index", "give either a keystore or a devnet's key"
    for name, chain in settings.chains.items():
        if chain.chain_id not in DEV_CHAIN_IDS:
            yield (
                f"{where}.dev_key_index",
                f"everybody knows that key, and chains.{name} is no devnet; use a keystore",
            )


def _live(settings: Settings) -> Iterator[Fault]:
    if settings.mode != "live":
        return
    for name, wanted in (("venues", "a venue"), ("verifiers", "verifiers"), ("executor", "a key")):
        if not getattr(settings, name):
            yield name, f'missing; mode = "live" needs {wanted}'
    if settings.journal is None:
        yield "journal.url", 'missing; mode = "live" needs a journal'


def _listed(names: object) -> str:
    return ", ".join(sorted(names)) or "none is set up"  # type: ignore[call-overload]
