"""Python and Solidity book the same integers, on random cases."""

from random import Random

import pytest
import pytest_asyncio

from chains.codec.instruments import pack_instrument, pack_mark
from chains.devnet import DevChain
from chains.ledger import (
    Account,
    OutOfRange,
    Position,
    Quote,
    WindowWentBack,
    apply_trade,
    haircut_limit,
    removed_cost_toward_zero,
    roll,
)
from chains.model import Instrument, InstrumentKind, Right
from tests.chains.devnet_world import dev_signer
from tests.chains.probe import (
    LIMITS,
    REMOVED,
    ROLL,
    TRADE,
    Probe,
    account_word,
    deploy_probe,
    holding_of,
    money_of,
    position_word,
)
from tests.chains.random_cases import I64_MAX, pages, signed, unsigned

pytestmark = pytest.mark.anvil

MANY = 10_000


@pytest_asyncio.fixture
async def probe(chain: DevChain) -> Probe:
    return await deploy_probe(chain, [dev_signer(10).address], threshold=1)


def random_account(random: Random, *, positions: int) -> Account:
    held = tuple(Position(slot, 1, 0) for slot in range(positions))
    money = (signed(random, bits=random.choice((20, 50, 63))) for _ in range(3))
    return Account(*money, window=random.randrange(1_000), positions=held)


async def test_rolling_realised_profit(probe: Probe) -> None:
    random = Random(1)
    cases = []
    for _ in range(MANY):
        account = random_account(random, positions=random.choice((0, 1)))
        cases.append((account, max(0, account.window + random.randrange(-2, 7))))
    for page in pages(cases):
        words, windows = [account_word(account) for account, _ in page], [w for _, w in page]
        outputs = ["uint256[]", "bool[]"]
        rolled, is_good = await probe.ask(ROLL, outputs, words, windows)
        for (account, window), word, good in zip(page, rolled, is_good, strict=True):
            if not good:
                with pytest.raises((WindowWentBack, OutOfRange)):
                    roll(account, window)
                continue
            after = roll(account, window)
            assert money_of(word) == (after.cash, after.realised_now, after.realised_prev, window)


async def test_costs_removed_by_a_reduction(probe: Probe) -> None:
    random = Random(2)
    cases = []
    for _ in range(MANY):
        lots = max(1, unsigned(random, bits=62))
        side = random.choice((1, -1))
        cases.append((signed(random), -side * random.randint(1, lots), side * lots))
    for page in pages(cases):
        costs, parts, lots = (list(column) for column in zip(*page, strict=True))
        (removed,) = await probe.ask(REMOVED, ["int256[]"], costs, parts, lots)
        expected = [
            removed_cost_toward_zero(cost, closed_lots=abs(part), held_lots=abs(held))
            for cost, part, held in page
        ]
        assert list(removed) == expected


async def test_trades(probe: Probe) -> None:
    random = Random(3)
    cases = [random_trade(random) for _ in range(MANY)]
    refused = 0
    for page in pages(cases):
        trades = [
            (account_word(a), position_word(p), instrument_word(kind), lots, price, cumulative)
            for a, p, kind, lots, price, cumulative in page
        ]
        outputs = ["uint256[]", "uint256[]", "bool[]"]
        results = await probe.ask(TRADE, outputs, trades)
        for case, account, position, good in zip(page, *results, strict=True):
            refused += not good
            compare_trade(case, account, position, is_good=good)
    assert 100 < refused < MANY // 2


Trade = tuple[Account, Position, InstrumentKind, int, int, int]


def random_trade(random: Random) -> Trade:
    size = random.choice((8, 30, 31, 62))
    lots = signed(random, bits=size)
    cost = signed(random, bits=random.choice((20, 40, 62))) if lots else 0
    position = Position(0, lots, cost)
    account = random_account(random, positions=0)
    traded = random.choice((signed(random, bits=size), -lots, -lots // 2, -2 * lots)) or 1
    traded = max(-I64_MAX, min(I64_MAX, traded))
    price, cumulative = unsigned(random, bits=size), signed(random, bits=size)
    return account, position, random.choice(list(InstrumentKind)), traded, price, cumulative


def compare_trade(case: Trade, account_after: int, position_after: int, *, is_good: bool) -> None:
    account, position, kind, lots, price, cumulative = case
    held = (position,) if position.lots else ()
    before = Account(
        account.cash, account.realised_now, account.realised_prev, account.window, held
    )

    def trade() -> Account:
        return apply_trade(
            before, instrument=0, d_lots=lots, price=price, kind=kind, cumulative_funding=cumulative
        )

    if not is_good:
        with pytest.raises(OutOfRange):
            trade()
        return
    after = trade()
    stored = (after.cash, after.realised_now, after.realised_prev, after.window)
    assert money_of(account_after) == stored
    left = after.positions[0] if after.positions else Position(0, 0, 0)
    assert holding_of(position_after) == (left.lots, left.cost)


def instrument_word(kind: InstrumentKind) -> int:
    instrument = Instrument(0, kind, "BTC", 10**9, 10**9, Right.CALL, 10**7)
    return int.from_bytes(pack_instrument(instrument, underlyings=("BTC",)), "big")


async def test_haircut_limits(probe: Probe) -> None:
    random = Random(4)
    cases = [random_holder(random) for _ in range(MANY)]
    positive = 0
    for page in pages(cases):
        words = [account_word(account) for account, _ in page]
        held = [held_words(p, quotes[p.instrument]) for a, quotes in page for p in a.positions]
        (limits,) = await probe.ask(LIMITS, ["uint256[]"], words, held)
        for (account, quotes), limit in zip(page, limits, strict=True):
            assert haircut_limit(account, quotes) == limit
            positive += limit > 0
    assert 1_000 < positive < MANY


def random_holder(random: Random) -> tuple[Account, list[Quote]]:
    count = random.randrange(4)
    quotes = [
        Quote(
            kind=random.choice(list(InstrumentKind)),
            expiry_s=10**9,
            mark=unsigned(random, bits=random.choice((24, 63))),
            cumulative_funding=signed(random, bits=24),
            band=1,
            mm_per_lot=1,
            time_s=5,
        )
        for _ in range(count)
    ]
    held = tuple(
        Position(slot, signed(random, bits=30) or 1, signed(random, bits=50))
        for slot in range(count)
    )
    money = (signed(random, bits=50) for _ in range(3))
    return Account(*money, window=7, positions=held), quotes


def held_words(position: Position, quote: Quote) -> tuple[int, int, int, int]:
    mark = pack_mark(
        instrument=position.instrument,
        mark_micro=quote.mark,
        mm_per_lot_micro=quote.mm_per_lot,
        band_micro=quote.band,
        time_s=quote.time_s,
    )
    cumulative = 0 if quote.kind is InstrumentKind.OPTION else quote.cumulative_funding
    return (
        position_word(position),
        instrument_word(quote.kind),
        int.from_bytes(mark, "big"),
        cumulative,
    )
