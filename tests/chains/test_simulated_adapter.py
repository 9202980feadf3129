"""The shared adapter suite over the simulated chain."""

from dataclasses import replace

import pytest

from chains.base import SignedTransaction
from chains.codec.fields import keccak256
from chains.codec.transaction import pack_signed, signing_digest
from chains.legs import Close, Credit, Deficit, Haircut
from chains.signatures import sign
from chains.simulated import SimulatedNode
from chains.simulated.worlds import (
    perpetual_long_bankrupt__one_short_on_the_same_chain,
    usd,
)
from tests.chains.adapter_suite import *  # noqa: F403
from tests.chains.adapter_suite import AdapterWorld, SignedCalls
from tests.chains.plan_calls import plan_calls
from tests.chains.sending import ETHER, SENDER, SENDER_KEY

LEGS = [
    Deficit(0, usd(1_000)),
    Close(0, 1, 0, 10, usd(60), 0, 0),
    Haircut(1, 0, usd(70)),
    Credit(0, usd(100)),
]


class TestSigner:
    """One key in memory."""

    __test__ = False
    address = SENDER

    async def sign_transaction(self, transaction):
        raw = pack_signed(transaction, sign(SENDER_KEY, signing_digest(transaction)))
        return SignedTransaction(raw, keccak256(raw))

    async def sign_digest(self, digest):
        return sign(SENDER_KEY, digest)


@pytest.fixture
def world():
    made = perpetual_long_bankrupt__one_short_on_the_same_chain()
    chain = replace(made, wei={SENDER: ETHER})
    node = SimulatedNode(chain)

    async def pass_blocks(count):
        for _ in range(count):
            chain.mine(chain.head.ref.timestamp_s + 1)

    async def plan():
        calls = plan_calls(chain, LEGS)
        bits = tuple((1 << len(words)) - 1 for words in calls.chunks)
        root = calls.header.plan_root
        return SignedCalls(1, root, bits, calls.commit, calls.execute, calls.close)

    return AdapterWorld(node, node, node, TestSigner(), pass_blocks, plan)
