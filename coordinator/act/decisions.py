"""What becomes of an edge once both of its sides are sealed, and which calls that asks for. Pure.

A side is sealed when its value can never change again. Only values sealed at FINAL blocks count;
the clocks of the two chains are never compared.
"""

from dataclasses import dataclass, replace

from chains.base import EdgeSide
from chains.codec.merkle import edge_id
from chains.codec.quorum import SIGNATURE_BYTES
from chains.codec.reserve import apply_call, refund_escrow_call, register_call
from chains.legs import Edge
from coordinator.act import gas
from coordinator.act.intents import Intent, Kind, intent_at
from coordinator.act.sites import Site, edge_of, sites_of
from coordinator.decide.publish import PlanDocument

__all__ = ["Decision", "decide_edge", "decision_intents"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one edge, its two sealed sides, and the packed quorum.

    An edge that holds nothing on either side is void: nobody needs to sign, nothing is sent.
    """

    epoch: int
    box: int
    amount_micro: int
    earmark_micro: int
    escrow_micro: int
    signatures: bytes


def decide_edge(side_a: EdgeSide, side_b: EdgeSide) -> int | None:
    """min(earmark, escrow) in micro-USD, 0 = abort; None while a side may still change.

    Both sides must have been read at FINAL blocks.
    """
    if not (side_a.is_sealed and side_b.is_sealed):
        return None
    return min(side_a.amount_micro, side_b.amount_micro)


def decision_intents(document: PlanDocument, decision: Decision) -> tuple[Intent, ...]:
    """Register and apply on each side that holds money; on B the rest of the escrow goes back."""
    edge = edge_of(document, decision.box)
    intents: list[Intent] = []
    for site in sites_of(document):
        if site.owes(edge) and decision.earmark_micro:
            intents += _register_and_apply(site, edge, decision)
        if site.pays(edge) and decision.escrow_micro:
            register, apply = _register_and_apply(site, edge, decision)
            intents += [register, apply]
            if decision.escrow_micro > decision.amount_micro:
                intents.append(_refund_escrow(site, edge, apply))
    return tuple(intents)


def _register_and_apply(site: Site, edge: Edge, decision: Decision) -> tuple[Intent, Intent]:
    packed = decision.signatures
    call = register_call(site.reserve, edge, amount_micro=decision.amount_micro, signatures=packed)
    limit = gas.register_gas(signatures=len(packed) // (SIGNATURE_BYTES + 1))
    register = intent_at(site, Kind.REGISTER, edge.box, call, limit)
    call = apply_call(site.reserve, edge_id(edge))
    apply = intent_at(site, Kind.APPLY, edge.box, call, gas.settle_gas())
    return register, replace(apply, after=(register.step,))


def _refund_escrow(site: Site, edge: Edge, apply: Intent) -> Intent:
    accounts = site.payers(edge.box)
    call = refund_escrow_call(site.reserve, edge_id(edge), accounts)
    limit = gas.refund_gas(accounts=len(accounts))
    intent = intent_at(site, Kind.REFUND_ESCROW, edge.box, call, limit)
    return replace(intent, part=accounts, after=(apply.step,))
