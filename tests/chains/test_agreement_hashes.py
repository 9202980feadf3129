"""Python and Solidity give the same hashes, digests and quorums, on random cases."""

from dataclasses import astuple
from random import Random

import pytest
import pytest_asyncio

from chains.codec.fields import FieldOutOfRange
from chains.codec.merkle import chunk_leaf, edge_id, merkle_proof, merkle_root, slice_leaf
from chains.codec.quorum import pack_signatures, unpack_signatures
from chains.codec.typed_data import (
    decision_digest,
    funding_digest,
    header_digest,
    marks_digest,
)
from chains.devnet import DevChain
from chains.legs import Edge, Header
from chains.signatures import recover
from chains.together import together
from tests.chains.devnet_world import VERIFIER_KEYS, dev_signer
from tests.chains.probe import (
    DECISION_DIGEST,
    EDGE_IDS,
    HEADER_DIGEST,
    LEAF,
    QUORUM,
    ROOT,
    ROOT_FROM,
    SLICE_LEAF,
    WORDS_DIGEST,
    Probe,
    deploy_probe,
)
from tests.chains.random_cases import pages, unsigned

pytestmark = pytest.mark.anvil

MANY = 10_000
ONE_A_CALL = [pytest.param(500), pytest.param(10_000, marks=pytest.mark.long)]
THRESHOLD = 3


@pytest_asyncio.fixture
async def probe(chain: DevChain) -> Probe:
    members = [dev_signer(number).address for number in VERIFIER_KEYS]
    return await deploy_probe(chain, members, threshold=THRESHOLD)


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
