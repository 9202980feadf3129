"""The simulated Reserve: cash between two chains, one edge = one account's deficit.

Rules 1-7 and 10 of the settlement protocol; names of errors are those of
``contracts/IReserve.sol``. One Reserve plays A for some edges and B for others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chains.codec.merkle import edge_id, verify_proof
from chains.codec.typed_data import decision_digest
from chains.ledger import credit, equity, refund
from chains.legs import Edge
from chains.model import CreditLine
from chains.simulated.quorum import require_quorum
from chains.simulated.state import Contracts, EdgeRecord, EdgeState, Env, require
from chains.simulated.venue import rolled

__all__ = [
    "apply_decision",
    "free",
    "fund",
    "open_edge",
    "prepare",
    "refund_escrow",
    "register",
    "remit",
    "repay",
    "room",
    "sealed",
    "set_credit_line",
    "take_escrow",
]

_OPEN_STATES = (EdgeState.OPENED, EdgeState.PREPARED)


def prepare(contracts: Contracts, env: Env, edge: Edge, proof: Sequence[bytes]) -> None:
    """On A, once: earmark money for the edge and bind the account's deficit."""
    require(_is_debtor(contracts, edge), "NotThisSide")
    require(env.timestamp_s >= contracts.gate.stopped_until_s, "Stopped")
    identity = _proven(contracts, env, edge, proof)
    account = rolled(contracts.book, edge.account_a, env)
    require(not account.positions, "AccountNotFlat")
    require(account.bound == 0, "AlreadyBound")
    line = _line(contracts, edge.chain_b, edge.gate_b)
    deficit = -equity(account, contracts.book.quotes)
    earmark = min(edge.planned_micro, deficit, line.room_micro, free(contracts))
    require(earmark > 0, "NothingToEarmark")
    contracts.book.accounts[edge.account_a] = replace(account, bound=earmark)
    _store_line(contracts, replace(line, earmarked_micro=line.earmarked_micro + earmark))
    contracts.reserve.edges[identity] = EdgeRecord(edge, EdgeState.PREPARED, earmark=earmark)


def open_edge(contracts: Contracts, env: Env, edge: Edge, proof: Sequence[bytes]) -> None:
    """On B, once: let the gate's remote haircuts fill the edge's box."""
    require(_is_payer(contracts, edge), "NotThisSide")
    identity = _proven(contracts, env, edge, proof)
    require(edge.box and (edge.epoch, edge.box) not in contracts.reserve.boxes, "BoxTaken")
    contracts.reserve.edges[identity] = EdgeRecord(edge, EdgeState.OPENED)
    contracts.reserve.boxes[edge.epoch, edge.box] = identity


def room(contracts: Contracts, env: Env, *, epoch: int, box: int) -> int:
    """What the box still takes: nothing before open, once late, or after its last payer."""
    identity = contracts.reserve.boxes.get((epoch, box))
    if identity is None:
        return 0
    record = contracts.reserve.edges[identity]
    is_filling = record.state is EdgeState.OPENED and not _sealed_b(record, env.timestamp_s)
    return record.edge.planned_micro - record.escrow if is_filling else 0


def take_escrow(contracts: Contracts, *, epoch: int, box: int, account: int, amount: int) -> None:
    """Tokens of one remote haircut move from the venue into the box."""
    identity = contracts.reserve.boxes[epoch, box]
    record = contracts.reserve.edges[identity]
    paid = record.taken.get(account, 0) + amount
    contracts.book.tokens -= amount
    contracts.reserve.tokens += amount
    contracts.reserve.edges[identity] = replace(
        record,
        escrow=record.escrow + amount,
        paid_legs=record.paid_legs + 1,
        taken={**record.taken, account: paid},
    )


@dataclass(frozen=True, slots=True)
class SealedSide:
    """Whether a side may still change, and its amount (earmark on A, escrow on B)."""

    state: EdgeState
    is_sealed: bool
    amount: int


def sealed(contracts: Contracts, edge: Edge, now_s: int) -> SealedSide:
    """The own side of an edge. A: prepared or late; B: every payer in, or late.

    The amount is 0 until then. Raises Reverted for an edge of other chains.
    """
    require(_is_debtor(contracts, edge) != _is_payer(contracts, edge), "NotThisSide")
    record = contracts.reserve.edges.get(edge_id(edge))
    if record is None:
        return SealedSide(EdgeState.NONE, now_s > edge.decide_by_s, 0)
    is_known = record.state in (EdgeState.PREPARED, EdgeState.DECIDED, EdgeState.APPLIED)
    is_sealed = is_known or _sealed_b(record, now_s)
    held = record.earmark + record.escrow
    return SealedSide(record.state, is_sealed, held if is_sealed else 0)


def register(contracts: Contracts, env: Env, edge: Edge, *, amount: int, signatures: bytes) -> None:
    """Accept the verifiers' decision for the own side, once."""
    identity, side = edge_id(edge), sealed(contracts, edge, env.timestamp_s)
    require(side.state in (EdgeState.NONE, *_OPEN_STATES), "AlreadyDecided")
    require(side.is_sealed, "NotSealed")
    require(amount <= side.amount, "AboveOwnSide")
    terms = contracts.terms
    digest = decision_digest(identity, amount)
    require_quorum(digest, signatures, signers=terms.signers, threshold=terms.threshold)
    known = contracts.reserve.edges.get(identity, EdgeRecord(edge, EdgeState.NONE))
    contracts.reserve.edges[identity] = replace(known, state=EdgeState.DECIDED, decided=amount)


def apply_decision(contracts: Contracts, env: Env, identity: bytes) -> None:
    """Anyone, once: A pays the account and unbinds it; B owes the amount, the rest goes back."""
    record = _record(contracts, identity, EdgeState.DECIDED, error="NotDecided")
    if _is_debtor(contracts, record.edge):
        _pay_debtor(contracts, env, record)
    else:
        _owe(contracts, record)
    back = record.escrow - record.decided if record.escrow else 0
    contracts.reserve.edges[identity] = replace(record, state=EdgeState.APPLIED, back_left=back)


def refund_escrow(contracts: Contracts, env: Env, identity: bytes, accounts: Sequence[int]) -> None:
    """On B, once a payer: floor(back x taken / escrow); the dust goes to the insurance fund."""
    record = _record(contracts, identity, EdgeState.APPLIED, error="NotApplied")
    for account in accounts:
        back = record.escrow - record.decided
        is_due = back > 0 and account in record.taken and account not in record.refunded
        require(is_due, "NothingToReturn")
        amount = back * record.taken[account] // record.escrow
        payer = rolled(contracts.book, account, env)
        require(payer.bound == 0, "AccountBound")
        contracts.book.accounts[account] = refund(payer, amount)
        _return_tokens(contracts, amount)
        record = replace(
            record,
            refunded=record.refunded | {account},
            back_left=record.back_left - amount,
        )
    contracts.reserve.edges[identity] = _without_dust(contracts, record)


def fund(contracts: Contracts, amount: int) -> None:
    """Anyone may pay into the Reserve."""
    contracts.reserve.tokens += amount


def set_credit_line(
    contracts: Contracts, env: Env, *, chain_id: int, gate: bytes, limit: int
) -> None:
    """Governance: how much this Reserve pays out before the debtor gate has paid it back."""
    require(env.sender == contracts.terms.governance, "NotGovernance")
    line = _line(contracts, chain_id, gate)
    _store_line(contracts, replace(line, limit_micro=limit))


def repay(contracts: Contracts, *, chain_id: int, gate: bytes, amount: int) -> None:
    """On A: money that the other chain owed comes in."""
    line = _line(contracts, chain_id, gate)
    contracts.reserve.tokens += amount
    _store_line(contracts, replace(line, received_micro=line.received_micro + amount))


def remit(contracts: Contracts, env: Env, *, chain_id: int, gate: bytes, amount: int) -> None:
    """On B, treasurer: take out money owed to the other chain."""
    require(env.sender == contracts.terms.treasurer, "NotTreasurer")
    owed, sent = contracts.reserve.owing.get((chain_id, gate), (0, 0))
    require(owed - sent >= amount, "AboveOwed")
    contracts.reserve.tokens -= amount
    contracts.reserve.owing[chain_id, gate] = (owed, sent + amount)


def free(contracts: Contracts) -> int:
    """Tokens that no earmark, escrow, refund or debt has a claim on."""
    reserve = contracts.reserve
    earmarked = sum(line.earmarked_micro for line in reserve.lines.values())
    held = sum(_held(record) for record in reserve.edges.values())
    unsent = sum(owed - sent for owed, sent in reserve.owing.values())
    return reserve.tokens - earmarked - held - unsent


def _record(contracts: Contracts, identity: bytes, state: EdgeState, *, error: str) -> EdgeRecord:
    edges = contracts.reserve.edges
    require(identity in edges and edges[identity].state is state, error)
    return edges[identity]


def _held(record: EdgeRecord) -> int:
    return record.back_left if record.state is EdgeState.APPLIED else record.escrow


def _is_debtor(contracts: Contracts, edge: Edge) -> bool:
    terms = contracts.terms
    return (edge.chain_a, edge.gate_a) == (terms.chain_id, terms.gate)


def _is_payer(contracts: Contracts, edge: Edge) -> bool:
    terms = contracts.terms
    return (edge.chain_b, edge.gate_b) == (terms.chain_id, terms.gate)


def _sealed_b(record: EdgeRecord, now_s: int) -> bool:
    return record.paid_legs == record.edge.payers or now_s > record.edge.decide_by_s


def _proven(contracts: Contracts, env: Env, edge: Edge, proof: Sequence[bytes]) -> bytes:
    """The id of an edge that a committed plan contains, in time and not seen before."""
    require(edge.epoch in contracts.gate.plans, "EdgeNotProven")
    identity, header = edge_id(edge), contracts.gate.plans[edge.epoch].header
    require(verify_proof(header.plan_root, identity, proof), "EdgeNotProven")
    require(env.timestamp_s <= edge.decide_by_s, "Late")
    require(identity not in contracts.reserve.edges, "EdgeNotNew")
    return identity


def _line(contracts: Contracts, chain_id: int, gate: bytes) -> CreditLine:
    unknown = CreditLine(chain_id, gate, 0, 0, 0, 0)
    return contracts.reserve.lines.get((chain_id, gate), unknown)


def _store_line(contracts: Contracts, line: CreditLine) -> None:
    contracts.reserve.lines[line.chain_id, line.gate] = line


def _pay_debtor(contracts: Contracts, env: Env, record: EdgeRecord) -> None:
    edge, amount = record.edge, record.decided
    account = rolled(contracts.book, edge.account_a, env)
    paid = credit(replace(account, bound=account.bound - record.earmark), amount)
    contracts.book.accounts[edge.account_a] = paid
    _return_tokens(contracts, amount)
    line = _line(contracts, edge.chain_b, edge.gate_b)
    changed = replace(
        line,
        earmarked_micro=line.earmarked_micro - record.earmark,
        paid_micro=line.paid_micro + amount,
    )
    _store_line(contracts, changed)


def _owe(contracts: Contracts, record: EdgeRecord) -> None:
    creditor = (record.edge.chain_a, record.edge.gate_a)
    owed, sent = contracts.reserve.owing.get(creditor, (0, 0))
    contracts.reserve.owing[creditor] = (owed + record.decided, sent)


def _return_tokens(contracts: Contracts, amount: int) -> None:
    contracts.reserve.tokens -= amount
    contracts.book.tokens += amount


def _without_dust(contracts: Contracts, record: EdgeRecord) -> EdgeRecord:
    if len(record.refunded) < len(record.taken):
        return record
    contracts.book.insurance += record.back_left
    _return_tokens(contracts, record.back_left)
    return replace(record, back_left=0)
