"""From a signed plan to the transactions it asks for, in order. Pure.

A *step* is something that must become true on one chain ("chunk 3 is terminal"); an *intent* is
one transaction for it. A step that needs another transaction (a leg was refused, a nonce was
lost) gets a successor: the same step, the next generation, only the parts still open.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from chains.base import Call
from chains.codec.gate import close_plan_call, commit_call, execute_call, refund_call
from chains.codec.merkle import edge_id
from chains.codec.quorum import pack_signatures
from chains.codec.reserve import open_call, prepare_call, refund_escrow_call
from chains.legs import OWN_POT, Edge
from coordinator.act import gas
from coordinator.act.sites import Site, sites_of
from coordinator.decide.publish import PlanDocument
from coordinator.errors import DocumentInvalid

__all__ = ["Intent", "Kind", "intent_at", "plan_intents", "successor"]

REFUNDS_MAX = 40
"""Accounts in one refund: about 3 M gas."""


class Kind(StrEnum):
    """What a transaction does."""

    COMMIT = "commit"
    OPEN_EDGE = "open-edge"
    EXECUTE = "execute"
    PREPARE = "prepare"
    REGISTER = "register"
    APPLY = "apply"
    REFUND_ESCROW = "refund-escrow"
    CLOSE_PLAN = "close-plan"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Intent:
    """One transaction of a plan.

    ``number``: chunk of EXECUTE, batch of REFUND, box of an edge, else 0. ``part``: words of the
    chunk, or accounts, that this transaction is for. ``after``: steps that must have gone through
    at LATEST. ``deadline_s``: last second on the chain's own clock, 0 = none.
    """

    epoch: int
    chain_id: int
    gate: bytes
    kind: Kind
    number: int
    generation: int
    part: tuple[int, ...]
    call: Call
    gas: int
    after: tuple[str, ...]
    deadline_s: int

    @property
    def step(self) -> str:
        """What must become true; shared by all generations."""
        return f"{self.epoch}/{self.chain_id}/{self.gate.hex()}/{self.kind}/{self.number}"

    @property
    def key(self) -> str:
        """This transaction."""
        return f"{self.step}#{self.generation}"


def plan_intents(document: PlanDocument, *, threshold: int) -> tuple[Intent, ...]:
    """First generation of every step that a plan knows in advance, in sending order.

    ``threshold`` signatures of the lowest signers go into each commit. Raises DocumentInvalid.
    """
    intents: list[Intent] = []
    for index, site in enumerate(sites_of(document)):
        commit = _commit(site, packed=_quorum(document, index, threshold), signatures=threshold)
        opens = [_open(site, edge, commit) for edge in site.edges if site.pays(edge)]
        executes = [_execute(site, chunk, commit) for chunk in range(len(site.chunks))]
        prepares = [_prepare(site, edge, executes) for edge in site.edges if site.owes(edge)]
        close = _close(site, commit)
        intents += [commit, *opens, *executes, *prepares, close, *_refunds(site, close)]
    return tuple(intents)


def successor(site: Site, last: Intent, part: tuple[int, ...]) -> Intent:
    """The same step again, for ``part`` of it, as the next generation."""
    call, limit = last.call, last.gas
    match last.kind:
        case Kind.EXECUTE:
            call, limit = _execute_call(site, last.number, part), gas.execute_gas(words=len(part))
        case Kind.REFUND:
            call = refund_call(site.gate, epoch=last.epoch, accounts=part)
            limit = gas.refund_gas(accounts=len(part))
        case Kind.REFUND_ESCROW:
            edge = next(edge for edge in site.edges if edge.box == last.number)
            call = refund_escrow_call(site.reserve, edge_id(edge), part)
            limit = gas.refund_gas(accounts=len(part))
    return replace(last, generation=last.generation + 1, part=part, call=call, gas=limit)


def intent_at(site: Site, kind: Kind, number: int, call: Call, limit: int) -> Intent:
    """The first generation of a step at a site, without conditions; ``limit`` in gas."""
    return Intent(
        epoch=site.epoch,
        chain_id=site.chain_id,
        gate=site.gate,
        kind=kind,
        number=number,
        generation=0,
        part=(),
        call=call,
        gas=limit,
        after=(),
        deadline_s=0,
    )


def _quorum(document: PlanDocument, index: int, threshold: int) -> bytes:
    chosen = {s.signer: s.by_slice[index] for s in sorted(document.signatures)[:threshold]}
    if len(chosen) < threshold:
        raise DocumentInvalid(
            f"plan {document.plan.epoch}: {len(chosen)} verifiers signed, {threshold} are needed"
        )
    return pack_signatures(chosen)


def _commit(site: Site, *, packed: bytes, signatures: int) -> Intent:
    call = commit_call(site.gate, site.header, packed)
    intent = intent_at(site, Kind.COMMIT, 0, call, gas.commit_gas(signatures=signatures))
    return replace(intent, deadline_s=site.header.expiry_s)


def _open(site: Site, edge: Edge, commit: Intent) -> Intent:
    proof = site.edge_proof(edge)
    call = open_call(site.reserve, edge, proof)
    intent = intent_at(site, Kind.OPEN_EDGE, edge.box, call, gas.open_gas(proof=len(proof)))
    return replace(intent, after=(commit.step,), deadline_s=edge.decide_by_s)


def _execute(site: Site, chunk: int, commit: Intent) -> Intent:
    part = tuple(range(len(site.chunks[chunk])))
    call = _execute_call(site, chunk, part)
    intent = intent_at(site, Kind.EXECUTE, chunk, call, gas.execute_gas(words=len(part)))
    return replace(intent, part=part, after=(commit.step,), deadline_s=site.header.expiry_s)


def _execute_call(site: Site, chunk: int, part: tuple[int, ...]) -> Call:
    return execute_call(
        site.gate,
        epoch=site.epoch,
        chunk=chunk,
        mask=sum(1 << index for index in part),
        words=site.chunks[chunk],
        proof=site.chunk_proof(chunk),
    )


def _prepare(site: Site, edge: Edge, executes: list[Intent]) -> Intent:
    proof = site.edge_proof(edge)
    call = prepare_call(site.reserve, edge, proof)
    intent = intent_at(site, Kind.PREPARE, edge.box, call, gas.prepare_gas(proof=len(proof)))
    after = tuple(execute.step for execute in executes)
    return replace(intent, after=after, deadline_s=edge.decide_by_s)


def _close(site: Site, commit: Intent) -> Intent:
    call = close_plan_call(site.gate, site.epoch)
    intent = intent_at(site, Kind.CLOSE_PLAN, 0, call, gas.close_plan_gas())
    return replace(intent, after=(commit.step,))


def _refunds(site: Site, close: Intent) -> list[Intent]:
    payers = site.payers(OWN_POT)
    batches = [payers[at : at + REFUNDS_MAX] for at in range(0, len(payers), REFUNDS_MAX)]
    return [_refund(site, number, batch, close) for number, batch in enumerate(batches)]


def _refund(site: Site, number: int, accounts: tuple[int, ...], close: Intent) -> Intent:
    call = refund_call(site.gate, epoch=site.epoch, accounts=accounts)
    limit = gas.refund_gas(accounts=len(accounts))
    intent = intent_at(site, Kind.REFUND, number, call, limit)
    return replace(intent, part=accounts, after=(close.step,))
