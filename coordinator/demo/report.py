"""The demo as one JSON document, schema ``adl.demo/1``; money in integer micro-USD.

A program checks ``solvent``, ``invariants`` and the money; ``plan_fingerprints`` are digests of
the legs without block references, so the same seed gives the same ones on every run.
"""

from dataclasses import asdict

from coordinator.demo.result import DemoResult, PlanStory, VenueLine

__all__ = ["SCHEMA", "report"]

SCHEMA = "adl.demo/1"


def report(result: DemoResult) -> dict[str, object]:
    """Strings, integers, truth values, lists and dicts only, but for the parts of ranks."""
    return {
        "schema": SCHEMA,
        "seed": result.seed,
        "solvent": result.solvent,
        "chains": [_chain(venue) for venue in result.venues],
        "owners": result.owners,
        "margin_groups": result.groups,
        "cross_chain_paid_micro": result.cross_chain_paid_micro,
        "haircut_micro": result.haircut_micro,
        "uncovered_micro": result.uncovered_micro,
        "uncovered": [asdict(line) for line in result.uncovered],
        "policy_digest": result.policy_digest,
        "plan_digests": [plan.digest for plan in result.plans],
        "plan_fingerprints": [plan.fingerprint for plan in result.plans],
        "plans": [_plan(plan) for plan in result.plans],
        "ranking": [asdict(line) for line in result.ranking],
        "transactions": [asdict(line) for line in result.transactions],
        "timings_ms": dict(result.timings_ms),
        "invariants": [
            {"name": check.name, "ok": check.ok, "broken_by": check.broken_by}
            for check in result.checks
        ],
    }


def _chain(venue: VenueLine) -> dict[str, object]:
    return {name: value for name, value in asdict(venue).items() if name != "url"}


def _plan(plan: PlanStory) -> dict[str, object]:
    return {
        "epoch": plan.epoch,
        "digest": plan.digest,
        "fingerprint": plan.fingerprint,
        "regime": plan.regime,
        "signers": list(plan.signers),
        "threshold": plan.threshold,
        "verifiers": plan.verifiers,
        "treated": plan.treated,
        "legs": [
            {"chain_id": chain_id, "kind": kind, "count": count}
            for chain_id, kind, count in plan.legs
        ],
        "stages": [asdict(stage) for stage in plan.stages],
        "transfers": [asdict(transfer) for transfer in plan.transfers],
        "haircut_micro": plan.haircut_micro,
        "uncovered_micro": plan.uncovered_micro,
    }
