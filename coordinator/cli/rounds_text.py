"""Rounds and rankings for people (text) and for programs (documents)."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from chains.model import AccountId
from coordinator.act.outcome import PlanOutcome
from coordinator.decide.assess import Assessment, RankRow
from coordinator.decide.publish import PlanDocument
from coordinator.decide.snapshot import Snapshot
from coordinator.engine import Round

__all__ = ["plan_text", "rank_document", "rank_text", "round_document", "round_text"]

_MICRO = 1_000_000
_DIRECTION = "position 1 is deleveraged first"


def round_document(round_: Round, mode: str, outcome: PlanOutcome | None) -> dict[str, object]:
    """Schema adl.round/1; money in micro-USD."""
    document = round_.document
    plan, snapshot = document.plan, document.snapshot
    feasibility = plan.feasibility
    return {
        "schema": "adl.round/1",
        "mode": mode,
        **_cut(snapshot),
        "plan_digest": _hex(plan.digest),
        "policy_digest": _hex(plan.policy_digest),
        "epoch": plan.epoch,
        "empty": plan.is_empty,
        "regime": str(feasibility.regime),
        "deficit_micro": feasibility.deficit_micro,
        "insurance_micro": feasibility.insurance_micro,
        "uncovered_micro": sum(one.amount_micro for one in plan.uncovered),
        "slices": [
            {"chain_id": one.chain_id, "gate": _hex(one.gate), "legs": _legs(one.legs)}
            for one in plan.slices
        ],
        "edges": len(plan.edges),
        "signatures": len(document.signatures),
        "timings_ms": dict(round_.timings_ms),
        "achieved": outcome.is_achieved if outcome else None,
    }


def round_text(round_: Round, mode: str, outcome: PlanOutcome | None) -> str:
    """What was seen, what was decided, what came of it."""
    snapshot = round_.document.snapshot
    lines = [f"mode {mode}, as of {_iso(snapshot.as_of_ms)}"]
    lines += [
        f"chain {state.chain_id}: {len(state.accounts)} accounts at block {state.block.number}"
        for state in snapshot.chains
    ]
    lines += [f"left out: {one.what} ({one.reason})" for one in snapshot.excluded]
    lines += [plan_text(round_.document), _came_of_it(round_, mode, outcome)]
    return "\n".join(lines)


def plan_text(document: PlanDocument) -> str:
    """The decision alone."""
    plan = document.plan
    if plan.is_empty and not plan.uncovered:
        return "nobody is bankrupt: nothing to do"
    money = plan.feasibility
    lines = [
        f"plan {_hex(plan.digest)}, epoch {plan.epoch}, until {_iso(plan.expiry_s * 1_000)}",
        (
            f"deficit {_usd(money.deficit_micro)}, insurance {_usd(money.insurance_micro)}, "
            f"regime {money.regime}"
        ),
    ]
    for one in plan.slices:
        legs = ", ".join(f"{count} {kind}" for kind, count in _legs(one.legs).items())
        lines.append(f"chain {one.chain_id}: {legs}")
    lines += [
        f"edge {edge.box}: chain {edge.chain_b} pays {_usd(edge.planned_micro)} to {edge.chain_a}"
        for edge in plan.edges
    ]
    lines += [
        f"uncovered: {one.account} {_usd(one.amount_micro)}, {one.reason}" for one in plan.uncovered
    ]
    return "\n".join(lines)


def rank_document(
    snapshot: Snapshot, assessment: Assessment, mode: str, *, limit: int
) -> dict[str, object]:
    """Schema adl.rank/1; score and parts are ratios."""
    return {
        "schema": "adl.rank/1",
        "mode": mode,
        **_cut(snapshot),
        "direction": _DIRECTION,
        "queue_length": assessment.ranked_count,
        "rows": [
            _rank_row(position, row)
            for position, row in enumerate(assessment.ranking(limit), start=1)
        ],
    }


def rank_text(snapshot: Snapshot, assessment: Assessment, mode: str, *, limit: int) -> str:
    """A table; the unit of every column is a ratio."""
    lines = [
        (
            f"mode {mode}, as of {_iso(snapshot.as_of_ms)}, queue of "
            f"{assessment.ranked_count}, {_DIRECTION}"
        ),
        *(f"left out: {one.what} ({one.reason})" for one in snapshot.excluded),
        (
            f"{'pos':>5} {'account':<34} {'score':>10} {'profit':>10} {'delta':>10} "
            f"{'curvature':>10} {'vega':>10}"
        ),
    ]
    for position, row in enumerate(assessment.ranking(limit), start=1):
        parts = (row.score, row.profit, row.delta, row.curvature, row.vega)
        figures = " ".join(f"{part:>10.4f}" for part in parts)
        lines.append(f"{position:>5} {row.account!s:<34} {figures}")
    return "\n".join(lines)


def _rank_row(position: int, row: RankRow) -> dict[str, object]:
    parts = {name: getattr(row, name) for name in ("profit", "delta", "curvature", "vega")}
    return {"position": position, **_account(row.account), "score": row.score, "parts": parts}


def _account(account: AccountId) -> dict[str, object]:
    return {
        "chain_id": account.chain_id,
        "venue": _hex(account.venue),
        "account": account.account,
    }


def _cut(snapshot: Snapshot) -> dict[str, object]:
    """What was looked at, the same in every answer."""
    return {
        "as_of": _iso(snapshot.as_of_ms),
        "snapshot_digest": _hex(snapshot.digest),
        "chains": [
            {
                "chain_id": state.chain_id,
                "gate": _hex(state.gate),
                "block": state.block.number,
                "accounts": len(state.accounts),
            }
            for state in snapshot.chains
        ],
        "excluded": [{"what": one.what, "reason": one.reason} for one in snapshot.excluded],
    }


def _came_of_it(round_: Round, mode: str, outcome: PlanOutcome | None) -> str:
    if round_.document.plan.is_empty:
        return "nothing was sent"
    if outcome is None:
        return f"nothing was sent: {mode} mode"
    if outcome.is_achieved:
        return f"done: {len(outcome.transactions)} transactions are final"
    return "\n".join(["not all of it was done:", *_undone(outcome)])


def _undone(outcome: PlanOutcome) -> Iterator[str]:
    for step in outcome.steps:
        if step.reason:
            yield f"chain {step.chain_id}: {step.kind} {step.number} is {step.state}: {step.reason}"


def _legs(legs: tuple[object, ...]) -> dict[str, int]:
    return dict(sorted(Counter(type(leg).__name__.lower() for leg in legs).items()))


def _usd(amount_micro: int) -> str:
    return f"{amount_micro / _MICRO:,.2f} USD"


def _iso(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
