"""From everything that happened to the few figures that are told."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from chains.ledger import equities
from chains.legs import OWN_POT, Haircut
from chains.model import AccountId, ChainState
from coordinator.decide.invariants import Finding
from coordinator.decide.plan import Plan
from coordinator.decide.publish import fingerprint
from coordinator.demo.books import Books
from coordinator.demo.market import CALM, CRASH, OPENED_S, UNDERLYINGS, market_after
from coordinator.demo.recheck import Check, Deed, recheck
from coordinator.demo.result import (
    DemoResult,
    IndexMove,
    PlanStory,
    RankLine,
    StageLine,
    TransactionLine,
    Transfer,
    UncoveredLine,
    VenueLine,
)
from coordinator.demo.run import Played, PlayedRound
from coordinator.demo.seed import VERIFIER_KEYS, VERIFIER_THRESHOLD

__all__ = ["tally"]

_RANK_LINES = 12


def tally(played: Played) -> DemoResult:
    """Count, and re-check what the chains say against what was promised."""
    first, last = played.rounds[0], played.rounds[-1]
    checks = (*_rechecked(played), *_promises(played))
    sent = [one for one in played.rounds if one.outcome is not None]
    plans = tuple(_plan_story(one) for one in sent)
    venues = tuple(_venue_lines(played))
    return DemoResult(
        seed=played.options.seed,
        owners=played.books.owners,
        groups=len(played.books.groups),
        instruments=len(first.after[0].instruments),
        policy_digest=f"0x{played.policy.digest.hex()}",
        market=tuple(_index_moves()),
        venues=venues,
        plans=plans,
        ranked=first.round.assessment.ranked_count,
        ranking=tuple(_rank_lines(first, played.books)),
        transactions=tuple(line for one in sent for line in _transactions(one)),
        timings_ms=played.timings_ms,
        checks=checks,
        cross_chain_paid_micro=sum(t.settled_micro for plan in plans for t in plan.transfers),
        haircut_micro=sum(plan.haircut_micro for plan in plans),
        uncovered=tuple(_uncovered(last.round.document.plan)),
        solvent=checks[0].ok,
    )


def _rechecked(played: Played) -> tuple[Check, ...]:
    last = played.rounds[-1]
    return recheck(
        [_deed(one) for one in played.rounds if one.outcome is not None],
        states=last.after,
        declared=_declared(last.round.document.plan),
        balances=played.balances,
    )


def _promises(played: Played) -> Iterator[Check]:
    """Invariants of the plans themselves, and whether nothing was left to do at the end."""
    for number, one in enumerate(played.rounds, start=1):
        yield _broken(f"plan of round {number} keeps every invariant", one.round.findings)
    yield _broken("planning again from changed inputs", played.relations)
    undone = [text for one in played.rounds for text in _unfinished(one)]
    if played.rounds[-1].outcome is not None:
        undone.append("there was more to do after the last round")
    yield Check("every step took effect and nothing is left to do", "; ".join(undone))


def _broken(name: str, findings: tuple[Finding, ...]) -> Check:
    broken = [f"{one.number}. {one.sentence}: {one.broken_by}" for one in findings if not one.holds]
    return Check(f"{name} ({len(findings)} sentences)", "; ".join(broken))


def _deed(one: PlayedRound) -> Deed:
    settled: dict[tuple[int, int], int] = {}
    amounts = dict(one.outcome.settled_micro) if one.outcome else {}
    for edge in one.round.document.plan.edges:
        pair = edge.chain_a, edge.chain_b
        settled[pair] = settled.get(pair, 0) + amounts.get(edge.box, 0)
    return Deed(one.round.document.snapshot.chains, one.after, settled)


def _declared(plan: Plan) -> dict[int, int]:
    by_chain: dict[int, int] = {}
    for entry in plan.uncovered:
        chain_id = entry.account.chain_id
        by_chain[chain_id] = by_chain.get(chain_id, 0) + entry.amount_micro
    return by_chain


def _uncovered(plan: Plan) -> Iterator[UncoveredLine]:
    for entry in plan.uncovered:
        yield UncoveredLine(
            chain_id=entry.account.chain_id,
            account=entry.account.account,
            amount_micro=entry.amount_micro,
            reason=entry.reason,
        )


def _venue_lines(played: Played) -> Iterator[VenueLine]:
    before, after = played.rounds[0].round.document.snapshot.chains, played.rounds[-1].after
    for was, now, url in zip(before, after, played.urls, strict=True):
        bankrupt_before, deficit_before = _insolvency(was)
        bankrupt_after, deficit_after = _insolvency(now)
        yield VenueLine(
            chain_id=was.chain_id,
            venue=f"0x{was.gate.hex()}",
            url=url,
            accounts=len(was.accounts),
            positions=len(was.positions),
            bankrupt_before=bankrupt_before,
            bankrupt_after=bankrupt_after,
            deficit_before_micro=deficit_before,
            deficit_after_micro=deficit_after,
            insurance_before_micro=was.funds.insurance_micro,
            insurance_after_micro=now.funds.insurance_micro,
        )


def _insolvency(state: ChainState) -> tuple[int, int]:
    """Accounts below zero, and by how much together."""
    worth = equities(state)
    return int((worth < 0).sum()), -int(np.minimum(0, worth).sum())


def _index_moves() -> Iterator[IndexMove]:
    before = market_after(CALM, observed_s=OPENED_S)
    after = market_after(CRASH, observed_s=OPENED_S)
    for name in UNDERLYINGS:
        yield IndexMove(
            underlying=name,
            before_micro=before.index_of(name).index_micro,
            after_micro=after.index_of(name).index_micro,
            vol_ppm=CRASH[name].vol_ppm,
        )


def _plan_story(one: PlayedRound) -> PlanStory:
    assert one.outcome is not None  # noqa: S101
    document, timings = one.round.document, one.outcome.timings
    plan = document.plan
    local, remote = _haircuts(plan)
    return PlanStory(
        epoch=plan.epoch,
        digest=f"0x{plan.digest.hex()}",
        fingerprint=f"0x{fingerprint(plan).hex()}",
        signers=tuple(signature.signer for signature in document.signatures),
        verifiers=len(VERIFIER_KEYS),
        threshold=VERIFIER_THRESHOLD,
        regime=str(plan.feasibility.regime),
        treated=len(plan.treatments),
        legs=_legs(plan),
        stages=tuple(_stages(plan)),
        transfers=tuple(_transfers(one)),
        haircut_micro=local + remote,
        remote_micro=remote,
        uncovered_micro=sum(_declared(plan).values()),
        last_resort=len(plan.last_resort),
        mined_ms=timings.mined_ms,
        final_ms=timings.final_ms,
        settled_ms=timings.settled_ms,
        unfinished=tuple(_unfinished(one)),
    )


def _legs(plan: Plan) -> tuple[tuple[int, str, int], ...]:
    counted = Counter(
        (slice_.chain_id, type(leg).__name__.lower())
        for slice_ in plan.slices
        for leg in slice_.legs
    )
    return tuple((chain_id, kind, count) for (chain_id, kind), count in sorted(counted.items()))


def _haircuts(plan: Plan) -> tuple[int, int]:
    """Money taken for the payers' own venue, and for others."""
    cuts = [leg for slice_ in plan.slices for leg in slice_.legs if isinstance(leg, Haircut)]
    local = sum(leg.target_micro for leg in cuts if leg.box == OWN_POT)
    return local, sum(leg.target_micro for leg in cuts) - local


def _stages(plan: Plan) -> Iterator[StageLine]:
    for report in plan.stages:
        yield StageLine(
            chain_id=report.chain_id,
            stage=str(report.stage),
            capacity_micro=report.capacity_micro,
            used_micro=report.used_micro,
            left_micro=report.left_micro,
            stopped_because=report.stopped_because,
        )


def _transfers(one: PlayedRound) -> Iterator[Transfer]:
    settled = dict(one.outcome.settled_micro) if one.outcome else {}
    for edge in one.round.document.plan.edges:
        yield Transfer(
            from_chain=edge.chain_b,
            to_chain=edge.chain_a,
            to_account=edge.account_a,
            payers=edge.payers,
            planned_micro=edge.planned_micro,
            settled_micro=settled.get(edge.box, 0),
        )


def _unfinished(one: PlayedRound) -> Iterator[str]:
    if one.outcome is None or one.outcome.is_achieved:
        return
    for step in one.outcome.steps:
        if step.reason:
            yield f"chain {step.chain_id}: {step.kind} {step.number} {step.state}: {step.reason}"


def _rank_lines(one: PlayedRound, books: Books) -> Iterator[RankLine]:
    assessment, plan = one.round.assessment, one.round.document.plan
    paid = _paid(plan)
    rows = {chain.chain_id: row for row, chain in enumerate(assessment.chains)}
    for place, line in enumerate(assessment.ranking(_RANK_LINES), start=1):
        row, account = rows[line.account.chain_id], line.account.account
        yield RankLine(
            place=place,
            chain_id=line.account.chain_id,
            account=account,
            persona=str(books.chains[row].personas[account]),
            score=line.score,
            profit=line.profit,
            delta=line.delta,
            curvature=line.curvature,
            vega=line.vega,
            paid_micro=paid.get(line.account, 0),
            payable_micro=int(assessment.venues[row].payable[account]),
        )


def _paid(plan: Plan) -> dict[AccountId, int]:
    paid: dict[AccountId, int] = {}
    for slice_ in plan.slices:
        for leg in slice_.legs:
            if isinstance(leg, Haircut):
                account = AccountId(slice_.chain_id, slice_.gate, leg.account)
                paid[account] = paid.get(account, 0) + leg.target_micro
    return paid


def _transactions(one: PlayedRound) -> Iterator[TransactionLine]:
    for sent in one.outcome.transactions if one.outcome else ():
        yield TransactionLine(
            chain_id=sent.chain_id,
            hash=f"0x{sent.hash.hex()}",
            gas_used=sent.gas_used,
            kind=str(sent.kind),
        )
