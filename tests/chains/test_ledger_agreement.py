"""The ledger in Python and in Solidity agree on random cases, refusals included."""

from random import Random
from struct import Struct

import pytest
from eth_abi.abi import decode, encode

from chains.artifacts import artifact
from chains.codec.abi import Function
from chains.errors import ChainStateInvalid
from chains.ledger import (
    Account,
    Position,
    Quote,
    apply_trade,
    haircut_limit,
    removed_cost_toward_zero,
    roll,
)
from chains.model import InstrumentKind
from chains.signatures import address_of
from chains.simulated.worlds import VERIFIERS

pytestmark = pytest.mark.anvil

CASES, BATCH = 2_000, 500
ACCOUNT, POSITION = Struct(">qqqIBBH"), Struct(">IIqqQ")
MARK, INSTRUMENT = Struct(">QQQII"), Struct(">BBHQQQI")
ROLL = Function("roll", ("uint256[]", "uint32[]"))
TRADE = Function("trade", ("(uint256,uint256,uint256,int64,uint64,int64)[]",))
REMOVED = Function("removedCosts", ("int64[]", "int64[]", "int64[]"))
LIMITS = Function("limits", ("uint256[]", "(uint256,uint256,uint256,int64)[]"))


class Probe:
    """The deployed LedgerProbe, asked in batches."""

    def __init__(self, rpc, address):
        self.rpc, self.address = rpc, address

    @classmethod
    async def deployed(cls, rpc):
        members = [address_of(key.public_key) for key in VERIFIERS]
        code = artifact("LedgerProbe").bytecode + encode(["address[]", "uint8"], [members, 3])
        sender = (await rpc.ask("eth_accounts"))[0]
        request = {"from": sender, "data": "0x" + code.hex(), "gas": hex(8_000_000)}
        hash_ = await rpc.ask("eth_sendTransaction", request)
        await rpc.ask("anvil_mine", hex(1))
        receipt = await rpc.ask("eth_getTransactionReceipt", hash_)
        return cls(rpc, receipt["contractAddress"])

    async def ask(self, function, types, *columns):
        data = function.selector + function.encode(*columns)
        request = {"to": self.address, "data": "0x" + data.hex()}
        answer = await self.rpc.ask("eth_call", request, "latest")
        return decode(types, bytes.fromhex(answer[2:]))


@pytest.fixture
async def probe(chain):
    return await Probe.deployed(chain.rpc)


@pytest.fixture
def dice():
    return Random(7)


def wide(dice, *, low=-1):
    """Any magnitude up to the edges of an int64, either sign, zero among them."""
    bits = dice.randrange(64)
    return max(-(2**63), min(2**63 - 1, dice.choice((low, 1)) * dice.randrange(2**bits + 1)))


def near(dice):
    return wide(dice) >> 20


def account_word(account):
    counted = len(account.positions)
    values = account.cash, account.realised_now, account.realised_prev, account.window, counted
    return int.from_bytes(ACCOUNT.pack(*values, 0, 0), "big")


def position_word(position):
    return int.from_bytes(
        POSITION.pack(0, position.instrument, position.lots, position.cost, 0), "big"
    )


def or_none(rule):
    try:
        return rule()
    except ChainStateInvalid:
        return None


def batches(cases):
    return [cases[start : start + BATCH] for start in range(0, len(cases), BATCH)]


async def test_rolling_agrees(probe, dice):
    held = (), (Position(0, 1, 0),)
    cases = [
        (Account(0, wide(dice), wide(dice), 100, dice.choice(held)), 98 + dice.randrange(9))
        for _ in range(CASES)
    ]
    for batch in batches(cases):
        words, good = await probe.ask(
            ROLL,
            ["uint256[]", "bool[]"],
            [account_word(account) for account, _ in batch],
            [window for _, window in batch],
        )
        expected = [or_none(lambda case=case: account_word(roll(*case))) for case in batch]
        assert [w if g else None for w, g in zip(words, good, strict=True)] == expected
        assert None in expected


def random_trade(dice):
    held = Position(3, wide(dice) or 1, wide(dice))
    account = Account(near(dice), near(dice), near(dice), 5, (held,))
    d_lots = dice.choice((wide(dice) or 1, -held.lots or 1, -(held.lots // 2) or 1))
    d_lots = max(-(2**63), min(2**63 - 1, d_lots))
    kind = dice.choice(list(InstrumentKind))
    return account, d_lots, wide(dice, low=1), near(dice), kind


def traded(case):
    account, d_lots, price, funding, kind = case
    after = apply_trade(
        account, instrument=3, d_lots=d_lots, price=price, kind=kind, cumulative_funding=funding
    )
    left = after.positions[0] if after.positions else Position(3, 0, 0)
    kept = Account(after.cash, after.realised_now, after.realised_prev, 5, account.positions)
    return account_word(kept), position_word(left)


async def test_trades_agree(probe, dice):
    for batch in batches([random_trade(dice) for _ in range(CASES)]):
        rows = [
            (
                account_word(account),
                position_word(account.positions[0]),
                instrument_word(kind),
                d_lots,
                price,
                funding,
            )
            for account, d_lots, price, funding, kind in batch
        ]
        accounts, positions, good = await probe.ask(
            TRADE, ["uint256[]", "uint256[]", "bool[]"], rows
        )
        found = [
            (account, position) if is_good else None
            for account, position, is_good in zip(accounts, positions, good, strict=True)
        ]
        expected = [or_none(lambda case=case: traded(case)) for case in batch]
        assert found == expected
        assert 0 < expected.count(None) < len(expected)


async def test_removed_costs_agree(probe, dice):
    lots = [wide(dice) or 1 for _ in range(CASES)]
    parts = [
        -dice.randrange(1, held + 1) if held > 0 else dice.randrange(1, -held + 1) for held in lots
    ]
    costs = [wide(dice) for _ in range(CASES)]
    cases = [case for case in zip(costs, parts, lots, strict=True) if case[1] < 2**63]
    for batch in batches(cases):
        (removed,) = await probe.ask(REMOVED, ["int256[]"], *map(list, zip(*batch, strict=True)))
        assert list(removed) == [
            removed_cost_toward_zero(cost, closed_lots=abs(part), held_lots=abs(held))
            for cost, part, held in batch
        ]


def instrument_word(kind):
    return int.from_bytes(INSTRUMENT.pack(kind, 0, 0, 0, 0, 1, 0), "big")


async def test_haircut_limits_agree(probe, dice):
    accounts, held, expected = [], [], []
    for _ in range(BATCH):
        quotes = {n: random_quote(dice) for n in range(dice.randrange(4))}
        positions = tuple(Position(n, near(dice) or 1, near(dice)) for n in quotes)
        account = Account(near(dice), near(dice), near(dice), 5, positions)
        accounts.append(account_word(account))
        held.extend(held_row(position, quotes[position.instrument]) for position in positions)
        expected.append(haircut_limit(account, quotes))
    (limits,) = await probe.ask(LIMITS, ["uint256[]"], accounts, held)
    assert list(limits) == expected
    assert 0 < expected.count(0) < len(expected)


def random_quote(dice):
    return Quote(dice.choice(list(InstrumentKind)), 0, abs(near(dice)), near(dice), 0, 0, 0)


def held_row(position, quote):
    mark = int.from_bytes(MARK.pack(quote.mark, 0, 0, 0, position.instrument), "big")
    return position_word(position), instrument_word(quote.kind), mark, quote.cumulative_funding
