"""Python and Solidity give the same integers and the same bytes, on random cases."""

from collections.abc import Sequence
from dataclasses import astuple
from random import Random

import pytest
import pytest_asyncio

from chains.codec.fields import FieldOutOfRange
from chains.codec.instruments import pack_instrument, pack_mark
from chains.codec.merkle import (
    chunk_leaf,
    edge_id,
    merkle_proof,
    merkle_root,
    slice_leaf,
)
from chains.codec.quorum import pack_signatures, unpack_signatures
from chains.codec.typed_data import (
    decision_digest,
    funding_digest,
    header_digest,
    marks_digest,
)
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
from chains.legs import Edge, Header
from chains.model import Instrument, InstrumentKind, Right
from chains.signatures import recover
from chains.together import together
from tests.chains.devnet_world import VERIFIER_KEYS, dev_signer
from tests.chains.probe import (
    CASES_PER_CALL,
    DECISION_DIGEST,
    EDGE_IDS,
    HEADER_DIGEST,
    LEAF,
    LIMITS,
    QUORUM,
    REMOVED,
    ROLL,
    ROOT,
    ROOT_FROM,
    SLICE_LEAF,
    TRADE,
    WORDS_DIGEST,
    Probe,
    account_word,
    deploy_probe,
    holding_of,
    money_of,
    position_word,
)

pytestmark = pytest.mark.anvil

MANY = 10_000
ONE_A_CALL = [pytest.param(500), pytest.param(10_000, marks=pytest.mark.long)]
I64_MAX = 2**63 - 1
THRESHOLD = 3


@pytest_asyncio.fixture
async def probe(chain: DevChain) -> Probe:
    members = [dev_signer(number).address for number in VERIFIER_KEYS]
    return await deploy_probe(chain, members, threshold=THRESHOLD)


def integer(random: Random, *, bits: int) -> int:
    """Uniform in its number of bits, so that small, huge and extreme values all come up."""
    size = random.randrange(bits + 1)
    return random.choice((0, 1, -1, 2**size - 1, -(2**size) + 1, random.getrandbits(size)))


def signed(random: Random, *, bits: int = 63) -> int:
    value = integer(random, bits=bits)
    return max(-I64_MAX - 1, min(I64_MAX, random.choice((value, -value))))


def unsigned(random: Random, *, bits: int) -> int:
    return abs(integer(random, bits=bits)) % 2**bits


def pages(cases: Sequence[object]) -> list[Sequence[object]]:
    return [cases[at : at + CASES_PER_CALL] for at in range(0, len(cases), CASES_PER_CALL)]


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


def random_edge(random: Random) -> Edge:
    return Edge(
        *(unsigned(random, bits=bits) for bits in (64, 32, 32, 64, 64, 64)),
        random.randbytes(20),
        unsigned(random, bits=32),
        unsigned(random, bits=64),
        random.randbytes(20),
    )


async def test_edge_ids(probe: Probe) -> None:
    random = Random(5)
    for page in pages([random_edge(random) for _ in range(MANY)]):
        (ids,) = await probe.ask(EDGE_IDS, ["bytes32[]"], [astuple(edge) for edge in page])
        assert list(ids) == [edge_id(edge) for edge in page]


def random_words(random: Random, *, most: int) -> list[bytes]:
    return [random.randbytes(32) for _ in range(random.randint(1, most))]


@pytest.mark.parametrize("cases", ONE_A_CALL)
async def test_leaves_roots_and_proofs(probe: Probe, cases: int) -> None:
    random = Random(6)

    async def compare() -> None:
        words, chunk = random_words(random, most=32), unsigned(random, bits=32)
        chain_id, gate = unsigned(random, bits=64), random.randbytes(20)
        row = random.randrange(len(words))
        proof = merkle_proof(words, row)
        leaf = slice_leaf(chain_id=chain_id, gate=gate, root=words[0])
        assert await probe.ask_one(LEAF, chunk, words) == chunk_leaf(chunk, words)
        assert await probe.ask_one(SLICE_LEAF, chain_id, gate, words[0]) == leaf
        assert await probe.ask_one(ROOT, words) == merkle_root(words)
        assert await probe.ask_one(ROOT_FROM, words[row], proof) == merkle_root(words)

    for _ in range(0, cases, 50):
        await together(compare() for _ in range(50))


def random_header(random: Random) -> Header:
    roots = [random.randbytes(32) for _ in range(4)]
    return Header(*roots, *(unsigned(random, bits=64) for _ in range(11)), random.randbytes(32))


@pytest.mark.parametrize("cases", ONE_A_CALL)
async def test_signed_digests(probe: Probe, cases: int) -> None:
    random = Random(7)

    async def compare() -> None:
        header, words = random_header(random), random_words(random, most=8)
        where = {"chain_id": unsigned(random, bits=64), "gate": random.randbytes(20)}
        place, amount = where.values(), unsigned(random, bits=64)
        digest = await probe.ask_one(HEADER_DIGEST, astuple(header), *place)
        assert digest == header_digest(header, **where)
        marks = await probe.ask_one(WORDS_DIGEST, words, False, *place)
        assert marks == marks_digest(words, **where)
        funding = await probe.ask_one(WORDS_DIGEST, words, True, *place)
        assert funding == funding_digest(words, **where)
        decision = await probe.ask_one(DECISION_DIGEST, words[0], amount)
        assert decision == decision_digest(words[0], amount)

    for _ in range(0, cases, 50):
        await together(compare() for _ in range(50))


async def test_quorums(probe: Probe) -> None:
    random = Random(8)
    cases = [await random_quorum(random) for _ in range(400)]
    digests, packed = (list(column) for column in zip(*cases, strict=True))
    (is_good,) = await probe.ask(QUORUM, ["bool[]"], digests, packed)
    assert list(is_good) == [is_quorum(digest, signatures) for digest, signatures in cases]
    assert 50 < sum(is_good) < 350


async def random_quorum(random: Random) -> tuple[bytes, bytes]:
    digest = random.randbytes(32)
    spoilt = random.randbytes(32) if random.random() < 0.1 else digest
    seats = random.sample(range(len(VERIFIER_KEYS)), random.choice((2, 3, 3, 3, 3, 3, 4)))
    keys = {seat: VERIFIER_KEYS[seat] for seat in seats}
    if random.random() < 0.1:
        keys[seats[0]] = 17
    signatures = {
        seat: await dev_signer(key).sign_digest(spoilt if seat == seats[0] else digest)
        for seat, key in keys.items()
    }
    packed = bytearray(pack_signatures(signatures))
    if random.random() < 0.2:
        packed[random.randrange(len(packed))] ^= 1 << random.randrange(8)
    return digest, bytes(packed if random.random() < 0.9 else packed[66:] + packed[:66])


def is_quorum(digest: bytes, packed: bytes) -> bool:
    members = [dev_signer(number).address for number in VERIFIER_KEYS]
    try:
        signatures = unpack_signatures(packed)
        return len(signatures) == THRESHOLD and all(
            seat < len(members) and recover(digest, signature) == members[seat]
            for seat, signature in signatures.items()
        )
    except FieldOutOfRange:
        return False
