"""Recompute a published plan from its own document, bit for bit, and name the first difference."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

from coordinator.decide.assess import assess
from coordinator.decide.build import build_plan
from coordinator.decide.invariants import findings
from coordinator.decide.plan import Plan
from coordinator.decide.policy import Policy
from coordinator.decide.publish import PlanDocument, headers_of
from coordinator.decide.snapshot import Snapshot
from kernels.backend import Backend

__all__ = ["Verdict", "recompute", "verify"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``first_difference`` is empty exactly when the document is what the rules give."""

    plan_digest: bytes
    recomputed_digest: bytes
    first_difference: str

    @property
    def is_identical(self) -> bool:
        """Every bit agrees."""
        return not self.first_difference


def recompute(snapshot: Snapshot, policy: Policy, backend: Backend) -> Plan:
    """What the rules make of a snapshot."""
    return build_plan(snapshot, assess(snapshot, policy, backend), policy)


def verify(document: PlanDocument, backend: Backend) -> Verdict:
    """Compare a document with its own recomputation; signatures are not looked at here."""
    snapshot, policy = document.snapshot, document.policy
    assessment = assess(snapshot, policy, backend)
    plan = build_plan(snapshot, assessment, policy)
    difference = next(_differences("plan", document.plan, plan), "")
    if not difference:
        headers = headers_of(snapshot, plan, policy)
        difference = next(_differences("headers", document.headers, headers), "")
    if not difference:
        broken = [f for f in findings(snapshot, assessment, plan, policy) if not f.holds]
        difference = "; ".join(f"invariant {f.number}: {f.broken_by}" for f in broken)
    return Verdict(document.plan.digest, plan.digest, difference)


def _differences(where: str, published: object, recomputed: object) -> Iterator[str]:
    """Leaves that differ, in field order."""
    if type(published) is not type(recomputed):
        yield f"{where}: published {published!r}, recomputed {recomputed!r}"
    elif isinstance(published, tuple) and isinstance(recomputed, tuple):
        yield from _tuple_differences(where, published, recomputed)
    elif is_dataclass(published) and not isinstance(published, type):
        for field in fields(published):
            yield from _differences(
                f"{where}.{field.name}",
                getattr(published, field.name),
                getattr(recomputed, field.name),
            )
    elif published != recomputed:
        yield f"{where}: published {_shown(published)}, recomputed {_shown(recomputed)}"


def _tuple_differences(
    where: str, published: tuple[object, ...], recomputed: tuple[object, ...]
) -> Iterator[str]:
    for i, (left, right) in enumerate(zip(published, recomputed, strict=False)):
        yield from _differences(f"{where}[{i}]", left, right)
    if len(published) != len(recomputed):
        yield f"{where}: published {len(published)} entries, recomputed {len(recomputed)}"


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)
