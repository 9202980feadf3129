"""Edges between two chains: what is decided, who signs it, and where every micro ends."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.base import EdgeSide, Level
from chains.codec.merkle import edge_id
from chains.codec.quorum import unpack_signatures
from chains.codec.typed_data import decision_digest
from chains.errors import ChainUnavailable
from chains.model import BlockRef
from chains.signatures import recover
from chains.simulated import EdgeState
from chains.simulated.worlds import VERIFIERS, gate_address, usd
from coordinator.act.decisions import decide_edge
from coordinator.act.intents import Kind
from coordinator.act.journal import Journal
from coordinator.act.lifecycle import State
from coordinator.act.settle import LocalDecisionSigner, settle_edge
from coordinator.act.store import MemoryStore
from coordinator.errors import PlanRejected
from tests.coordinator.act.scenes import (
    CHAIN_A,
    CHAIN_B,
    THRESHOLD,
    Key,
    short_call_bankrupt__one_winner_here__two_there,
)
from tests.coordinator.act.test_execute import carried_out, states
from tests.coordinator.act.virtual_time import run

BLOCK = BlockRef(7, bytes(32), 1)


def side(amount, *, sealed=True, state=1):
    return EdgeSide(state, sealed, amount, BLOCK)


class Offline:
    """A verifier that does not answer."""

    def __init__(self, index):
        self.index, self.address = index, bytes(20)

    async def sign_decision(self, edge):
        raise ChainUnavailable("verifier is offline")


class Silent(Offline):
    async def sign_decision(self, edge):
        await asyncio.sleep(10**6)


class Liar:
    """A verifier that signs one micro more than there is."""

    def __init__(self, index, key, amount):
        self.index, self._key, self._amount = index, Key(key), amount
        self.address = self._key.address

    async def sign_decision(self, edge):
        return await self._key.sign_digest(decision_digest(edge_id(edge), self._amount))


def edge_of(scene):
    return scene.document.plan.edges[0]


# ------------------------------------------------------------------------------ the rule


@pytest.mark.parametrize(("a", "b"), [(False, True), (True, False), (False, False)])
def test_nothing_is_decided_while_a_side_may_still_change(a, b):
    assert decide_edge(side(5, sealed=a), side(7, sealed=b)) is None


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_the_decision_is_the_smaller_of_two_sealed_sides(earmark, escrow):
    assert decide_edge(side(earmark), side(escrow)) == min(earmark, escrow)


def test_a_verifier_does_not_sign_an_edge_that_is_not_sealed():
    async def main():
        scene = short_call_bankrupt__one_winner_here__two_there()
        with pytest.raises(PlanRejected, match="edge 1/1 is not sealed"):
            await scene.verifiers()[0].sign_decision(edge_of(scene))

    run(main())


def test_a_verifier_never_signs_a_second_amount_for_an_edge():
    class Chain:
        """Both sides of an edge, as this test says they are."""

        amount = 5

        async def edge_side(self, edge, *, level):
            assert level is Level.FINAL
            return side(self.amount)

    async def main():
        chain, scene = Chain(), short_call_bankrupt__one_winner_here__two_there()
        gates = {(c, gate_address(c)): chain for c in (CHAIN_A, CHAIN_B)}
        verifier = LocalDecisionSigner(index=0, signer=Key(VERIFIERS[0]), gates=gates)
        first = await verifier.sign_decision(edge_of(scene))
        assert await verifier.sign_decision(edge_of(scene)) == first
        chain.amount = 6
        with pytest.raises(PlanRejected, match="signed with 5, now the chains say 6"):
            await verifier.sign_decision(edge_of(scene))

    run(main())


# ------------------------------------------------------------------------------ the quorum


async def sealed_scene():
    scene = short_call_bankrupt__one_winner_here__two_there()
    await carried_out(scene, signers=scene.verifiers())
    return scene


def quorum_of(scene, signers):
    nodes = scene.nodes()
    gates = {(chain_id, gate_address(chain_id)): node for chain_id, node in nodes.items()}
    return settle_edge(edge_of(scene), gates, signers, threshold=THRESHOLD)


def test_two_of_three_needed_signatures_decide_nothing():
    async def main():
        scene = await sealed_scene()
        good = scene.verifiers()
        assert await quorum_of(scene, [*good[:2], Offline(2), Offline(3)]) is None

    run(main())


def test_a_false_signature_does_not_count():
    async def main():
        scene = await sealed_scene()
        good = scene.verifiers()
        liar = Liar(2, VERIFIERS[2], usd(230) + 1)
        assert await quorum_of(scene, [*good[:2], liar]) is None
        decision = await quorum_of(scene, [*good[:2], liar, good[3]])
        assert sorted(unpack_signatures(decision.signatures)) == [0, 1, 3]

    run(main())


def test_a_slow_verifier_is_not_waited_for():
    async def main():
        scene = await sealed_scene()
        before = asyncio.get_running_loop().time()
        decision = await quorum_of(scene, [Silent(0), *scene.verifiers()[1:]])
        assert asyncio.get_running_loop().time() == before
        return scene, decision

    scene, decision = run(main())
    digest = decision_digest(edge_id(edge_of(scene)), usd(230))
    signatures = unpack_signatures(decision.signatures)
    assert {index: recover(digest, s) for index, s in signatures.items()} == {
        index: Key(VERIFIERS[index]).address for index in (1, 2, 3)
    }


# ------------------------------------------------------------------------------ whole edges


def test_an_edge_moves_the_deficit_to_the_winners_of_the_other_chain():
    scene = short_call_bankrupt__one_winner_here__two_there()
    outcome = run(carried_out(scene))
    assert outcome.is_achieved
    assert outcome.settled_micro == ((1, usd(230)),)
    assert scene.cash(CHAIN_A, 0) == 0
    assert [scene.cash(CHAIN_B, n) for n in range(2)] == [usd(102), usd(68)]
    [(owed, sent)] = scene.state(CHAIN_B).reserve.owing.values()
    assert (owed, sent) == (usd(230), 0)
    [line] = scene.state(CHAIN_A).reserve.lines.values()
    assert (line.earmarked_micro, line.paid_micro) == (0, usd(230))


def test_escrow_above_the_earmark_goes_back_to_its_payers():
    scene = short_call_bankrupt__one_winner_here__two_there(credit=100)
    outcome = run(carried_out(scene))
    assert outcome.is_achieved
    assert outcome.settled_micro == ((1, usd(100)),)
    assert states(outcome, Kind.REFUND_ESCROW, CHAIN_B) == [State.DONE]
    assert scene.cash(CHAIN_A, 0) == usd(-130)
    assert [scene.cash(CHAIN_B, n) for n in range(2)] == [usd(240 - 60), usd(160 - 40)]


def test_without_credit_nothing_is_earmarked_and_every_payer_is_made_whole_after_the_deadline():
    scene = short_call_bankrupt__one_winner_here__two_there(credit=0)
    outcome = run(carried_out(scene))
    assert outcome.is_complete
    assert outcome.settled_micro == ((1, 0),)
    assert states(outcome, Kind.PREPARE) == [State.EXPIRED]
    assert states(outcome, Kind.REGISTER, CHAIN_A) == []
    assert states(outcome, Kind.REFUND_ESCROW, CHAIN_B) == [State.DONE]
    assert scene.cash(CHAIN_A, 0) == usd(-230)
    assert [scene.cash(CHAIN_B, n) for n in range(2)] == [usd(240), usd(160)]


def test_without_payers_the_earmark_is_freed_and_the_account_unbound():
    async def main():
        scene = short_call_bankrupt__one_winner_here__two_there()
        chain = scene.chains[CHAIN_B]
        chain.include(lambda contracts, env: [_ruin(contracts, n) for n in range(2)])
        return scene, await carried_out(scene)

    scene, outcome = run(main())
    assert outcome.is_complete
    assert outcome.settled_micro == ((1, 0),)
    assert states(outcome, Kind.APPLY, CHAIN_A) == [State.DONE]
    assert states(outcome, Kind.REGISTER, CHAIN_B) == []
    account = scene.state(CHAIN_A).book.accounts[0]
    assert (account.cash, account.bound) == (usd(-230), 0)
    [line] = scene.state(CHAIN_A).reserve.lines.values()
    assert (line.earmarked_micro, line.paid_micro) == (0, 0)


def test_an_edge_that_holds_nothing_on_either_side_asks_nobody():
    async def main():
        scene = short_call_bankrupt__one_winner_here__two_there(credit=0)
        chain = scene.chains[CHAIN_B]
        chain.include(lambda contracts, env: [_ruin(contracts, n) for n in range(2)])
        return await carried_out(scene, signers=[])

    outcome = run(main())
    assert outcome.is_complete
    assert outcome.settled_micro == ((1, 0),)
    assert all(t.kind not in (Kind.REGISTER, Kind.APPLY) for t in outcome.transactions)


def _ruin(contracts, account):
    held = contracts.book.accounts[account]
    contracts.book.accounts[account] = replace(held, cash=0, positions=())


def test_verifiers_that_come_back_days_later_still_settle_the_edge():
    async def main():
        scene = short_call_bankrupt__one_winner_here__two_there()
        signers = [Offline(index) for index in range(4)]
        journal = await Journal.over(MemoryStore())
        executor = scene.executor(journal, signers=signers)
        scene.start_mining()
        work = asyncio.ensure_future(executor.execute(scene.document, threshold=THRESHOLD))
        await asyncio.sleep(30)
        scene.stop_mining()
        for chain in scene.chains.values():
            chain.mine(chain.head.ref.timestamp_s + 3 * 86_400)
        scene.start_mining()
        await asyncio.sleep(30)
        assert not work.done()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        [outcome] = await scene.executor(journal).resume()
        return scene, outcome

    scene, outcome = run(main())
    assert outcome.is_achieved
    assert scene.cash(CHAIN_A, 0) == 0
    edge = scene.state(CHAIN_A).reserve.edges[edge_id(edge_of(scene))]
    assert edge.state is EdgeState.APPLIED
