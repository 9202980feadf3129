"""The demo as a whole, on real chains of this machine."""

import json

import pytest

from coordinator.demo.report import report
from coordinator.demo.result import DemoResult
from coordinator.demo.run import DemoOptions, play
from coordinator.demo.story import story
from coordinator.demo.tally import tally

SMALL = DemoOptions(chains=2, accounts=48, seed=2)


async def played(options: DemoOptions) -> DemoResult:
    async with play(options, tell=lambda _: None) as everything:
        return tally(everything)


@pytest.mark.anvil
async def test_the_same_seed_crashes_and_is_settled_in_the_same_way_twice() -> None:
    first, again = await played(SMALL), await played(SMALL)
    for result in (first, again):
        assert result.is_good, [check for check in result.checks if not check.ok]
        assert sum(venue.bankrupt_before for venue in result.venues) > 0
        assert sum(venue.bankrupt_after for venue in result.venues) == 0
        assert result.cross_chain_paid_micro > 0
        assert result.uncovered_micro == 0
        spent = sum(v.insurance_before_micro - v.insurance_after_micro for v in result.venues)
        deficit = sum(venue.deficit_before_micro for venue in result.venues)
        assert spent + result.haircut_micro == deficit
    assert first.plans
    prints = [[plan.fingerprint for plan in result.plans] for result in (first, again)]
    assert prints[0] == prints[1]
    assert [venue.deficit_before_micro for venue in first.venues] == [
        venue.deficit_before_micro for venue in again.venues
    ]
    document = json.loads(json.dumps(report(first)))
    assert {line["kind"] for line in document["transactions"]} >= {"commit", "execute", "apply"}
    assert "Every venue is solvent" in story(first)


@pytest.mark.anvil
@pytest.mark.long
async def test_the_default_demo_needs_the_winners_of_another_chain() -> None:
    result = await played(DemoOptions())
    assert result.is_good, [check for check in result.checks if not check.ok]
    assert [venue.bankrupt_before for venue in result.venues] == [12, 9, 1]
    by_stage = {(one.chain_id, one.stage): one for one in result.plans[0].stages}
    winners = by_stage[result.venues[0].chain_id, "deleveraging"]
    assert winners.used_micro > winners.capacity_micro
    assert result.cross_chain_paid_micro > winners.used_micro - winners.capacity_micro


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"chains": 0}, "1 to 8"),
        ({"chains": 9}, "1 to 8"),
        ({"accounts": 35}, "at least 36"),
        ({"seed": -1}, "negative"),
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DemoOptions(**wrong)
