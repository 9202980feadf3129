"""The ports over a simulated chain when the connection fails, lies late, or loses things."""

from dataclasses import replace

import pytest

from chains.base import Call, Level
from chains.errors import (
    ChainUnavailable,
    FinalityViolated,
    TransactionOutcomeUnknown,
    TransactionWouldRevert,
)
from chains.legs import Deficit
from chains.simulated import Fate, FaultKind, Faults, Scheduled, SimulatedNode
from chains.simulated.faults import Dice
from chains.simulated.worlds import (
    GENESIS_S,
    perpetual_long_bankrupt__one_short_on_the_same_chain,
)
from tests.chains.plan_calls import plan_calls
from tests.chains.sending import ETHER, SENDER, signed

CHAIN_ID = 31_337
TRANSACTION = signed(Call(SENDER, b""), chain_id=CHAIN_ID)
ALWAYS = 1_000_000


@pytest.fixture
def chain():
    made = perpetual_long_bankrupt__one_short_on_the_same_chain()
    return replace(made, wei={SENDER: ETHER})


def node(chain, *schedule, **faults):
    return SimulatedNode(chain, Faults(schedule=schedule, **faults))


ASKED = [
    lambda port: port.read(),
    lambda port: port.head(Level.LATEST),
    lambda port: port.nonce(SENDER, level=Level.LATEST),
    lambda port: port.balance_wei(SENDER),
    lambda port: port.fees(),
    lambda port: port.simulate(Call(SENDER, b""), sender=SENDER),
    lambda port: port.receipt(bytes(32)),
    lambda port: port.progress(1, chunks=0, level=Level.LATEST),
]


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize("fault", ["refuse_ppm", "drop_reply_ppm"])
async def test_a_question_without_an_answer_may_be_asked_again(chain, ask, fault):
    with pytest.raises(ChainUnavailable, match="chain 31337"):
        await ask(node(chain, **{fault: ALWAYS}))


async def test_a_refused_publish_did_nothing_and_says_nothing(chain):
    with pytest.raises(TransactionOutcomeUnknown, match="refused publish"):
        await node(chain, refuse_ppm=ALWAYS).publish(TRANSACTION.raw)
    assert chain.mempool == {}


async def test_a_lost_reply_to_publish_hides_that_it_worked(chain):
    with pytest.raises(TransactionOutcomeUnknown, match="no reply to publish"):
        await node(chain, drop_reply_ppm=ALWAYS).publish(TRANSACTION.raw)
    chain.mine(GENESIS_S + 1)
    assert chain.find(TRANSACTION.hash) is not None


async def test_an_accepted_transaction_may_be_forgotten(chain):
    port = node(chain, Scheduled(FaultKind.LOSE_TRANSACTION, "publish", 0))
    await port.publish(TRANSACTION.raw)
    chain.mine(GENESIS_S + 1)
    assert await port.receipt(TRANSACTION.hash) is None
    await port.publish(TRANSACTION.raw)
    chain.mine(GENESIS_S + 2)
    assert (await port.receipt(TRANSACTION.hash)).succeeded


async def test_a_stale_node_answers_from_an_older_block(chain):
    for second in range(1, 6):
        chain.mine(GENESIS_S + second)
    port = node(chain, Scheduled(FaultKind.STALE_HEAD, "head", 0), stale_blocks=2)
    assert (await port.head(Level.LATEST)).number == 4
    assert (await port.head(Level.LATEST)).number == 6


async def test_a_stale_node_does_not_know_a_new_receipt(chain):
    await node(chain).publish(TRANSACTION.raw)
    chain.mine(GENESIS_S + 1)
    port = node(chain, Scheduled(FaultKind.STALE_HEAD, "receipt", 0), stale_blocks=1)
    assert await port.receipt(TRANSACTION.hash) is None
    assert await port.receipt(TRANSACTION.hash) is not None


async def test_a_delayed_answer_is_the_same_answer(chain):
    assert await node(chain, delay_ppm=ALWAYS, delay_ms=1).fees() == await node(chain).fees()


async def test_a_final_block_that_is_gone_halts(chain):
    port = node(chain)
    for second in range(1, 5):
        chain.mine(GENESIS_S + second)
    seen = await port.head(Level.FINAL)
    chain.reorg(2, fate=Fate.RETURNED)
    assert (await port.head(Level.FINAL)).number < seen.number
    chain.reorg(2, fate=Fate.RETURNED)
    for second in range(1, 6):
        chain.mine(GENESIS_S + 10 + second)
    with pytest.raises(FinalityViolated, match="final block 2 is gone"):
        await port.head(Level.FINAL)


async def test_nodes_of_one_chain_fail_by_themselves(chain):
    broken, sound = node(chain, refuse_ppm=ALWAYS), node(chain)
    with pytest.raises(ChainUnavailable):
        await broken.read()
    assert (await sound.read()).chain_id == CHAIN_ID


def test_a_seed_repeats_its_faults_and_another_has_others():
    def run(seed):
        dice = Dice(Faults(seed=seed, refuse_ppm=300_000, delay_ppm=300_000))
        return [dice.roll("read") for _ in range(200)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    refused = sum(FaultKind.REFUSE in met for met in run(1))
    assert 30 < refused < 90


def test_what_other_operations_do_never_moves_a_fault():
    faults = Faults(seed=3, refuse_ppm=500_000)
    alone, mixed = Dice(faults), Dice(faults)
    for _ in range(50):
        mixed.roll("publish")
    assert [alone.roll("read") for _ in range(50)] == [mixed.roll("read") for _ in range(50)]


def test_no_faults_is_the_default():
    dice = Dice(Faults())
    assert {dice.roll("read") for _ in range(1_000)} == {frozenset()}


async def test_a_call_is_simulated_as_in_the_next_block(chain):
    plan = plan_calls(chain, [Deficit(0, 1)])
    assert await node(chain).simulate(plan.commit, sender=SENDER) > 21_000
    with pytest.raises(TransactionWouldRevert, match="chain 31337: PlanNotOpen"):
        await node(chain).simulate(plan.close, sender=SENDER)
