"""What the projection says of a chunk of legs is what the deployed gate does with it."""

import time
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest
from eth_abi.abi import decode

from chains.answers import block_by_number
from chains.artifacts import error_names
from chains.codec.fields import keccak256
from chains.codec.gate import commit_call, execute_call
from chains.codec.instruments import pack_funding, pack_mark
from chains.codec.leg_words import pack_legs
from chains.codec.merkle import legs_root, plan_root
from chains.codec.quorum import pack_signatures
from chains.codec.typed_data import header_digest
from chains.devnet import AnvilOptions, Devnet
from chains.ledger import PlanLimits, Refused, equities, project
from chains.legs import Close, Credit, Deficit, Haircut, Header
from chains.venue import VenueReader
from tests.chains.devnet_world import (
    CHAIN_A,
    MARK_MICRO,
    VERIFIER_KEYS,
    address_of_venue,
    dev_signer,
    endpoints_of,
    list_and_mark,
    owner,
    venue_setup,
)

pytestmark = pytest.mark.anvil

ACCOUNTS = 6
CALL, PERPETUAL = 0, 1
EXECUTED = keccak256(b"LegExecuted(uint64,uint32,uint256,uint8,uint64)")
REFUSED = keccak256(b"LegRefused(uint64,uint32,uint256,bytes4)")
CHUNK_WORDS = 32


@pytest.fixture
async def chain():
    """A node of its own: time is moved by hours here."""
    async with Devnet([AnvilOptions(CHAIN_A, int(time.time()))], setup=venue_setup()) as devnet:
        await list_and_mark(devnet.chains[CHAIN_A])
        yield devnet.chains[CHAIN_A]


@dataclass
class Venue:
    """One deployed venue: reads, posts marks, carries plans of one chunk out."""

    chain: object

    @property
    def gate(self):
        return self.chain.deployed.gate

    async def state(self):
        return await VenueReader(endpoints_of(self.chain), address_of_venue(self.chain)).read()

    async def newer_second(self):
        """A second after the last marks."""
        times_s = (await self.state()).marks.times_s.max()
        while (now_s := (await self.chain.head()).timestamp_s) <= times_s:
            await self.chain.advance(5)
        return now_s

    async def post(self, marks, *, funding, sequence):
        now_s = await self.newer_second()
        words = [
            pack_mark(
                instrument=instrument,
                mark_micro=mark,
                mm_per_lot_micro=1_000_000,
                band_micro=100_000,
                time_s=now_s,
            )
            for instrument, mark in marks.items()
        ]
        await self.chain.post_marks(words)
        posted = pack_funding(instrument=PERPETUAL, cumulative_micro=funding, sequence=sequence)
        await self.chain.post_funding([posted])

    async def commit(self, header):
        signatures = await quorum(header, self.chain.chain_id, self.gate)
        await self.chain.send(commit_call(self.gate, header, signatures))

    async def execute(self, legs, *, epoch):
        """When the chunk was carried out, and what came of each leg."""
        before = await self.chain.head()
        words = pack_legs(legs)
        mask = (1 << len(words)) - 1
        chunk = {"epoch": epoch, "chunk": 0, "mask": mask, "words": words, "proof": []}
        await self.chain.send(execute_call(self.gate, **chunk))
        since = {"address": "0x" + self.gate.hex(), "fromBlock": hex(before.number + 1)}
        logs = await self.chain.rpc.ask("eth_getLogs", since)
        block = await block_by_number(self.chain.rpc, int(logs[0]["blockNumber"], 16))
        return block.timestamp_s, told_by(logs)


def told_by(logs):
    """Amount or reason of each leg."""
    names, told = error_names(), {}
    for log in logs:
        topic, data = bytes.fromhex(log["topics"][0][2:]), bytes.fromhex(log["data"][2:])
        if topic == EXECUTED:
            _, index, _, amount = decode(["uint32", "uint256", "uint8", "uint64"], data)
            told[index] = amount
        if topic == REFUSED:
            _, index, reason = decode(["uint32", "uint256", "bytes4"], data)
            told[index] = names[reason]
    return [told[index] for index in sorted(told)]


async def quorum(header, chain_id, gate):
    digest = header_digest(header, chain_id=chain_id, gate=gate)
    keys = [dev_signer(number) for number in VERIFIER_KEYS[:3]]
    return pack_signatures({n: await key.sign_digest(digest) for n, key in enumerate(keys)})


def header_of(state, legs, dice, *, epoch):
    root = legs_root([pack_legs(legs)])
    scale = 10 ** dice.randrange(7, 10)
    return Header(
        snapshot_root=bytes(32),
        plan_root=plan_root([(state.chain_id, state.gate, root)], []),
        legs_root=root,
        policy_digest=state.funds.policy_digest,
        epoch=epoch,
        not_before_s=state.block.timestamp_s,
        expiry_s=state.block.timestamp_s + 600,
        config_version=state.funds.config_version,
        leg_count=len(legs),
        insurance_micro=scale // 3,
        haircut_cap_micro=scale,
        remote_cap_micro=scale,
        close_cap_micro=scale * 10,
        deficit_micro=scale * 2,
        snapshot_block=state.block.number,
        snapshot_hash=state.block.hash,
    )


def random_legs(state, dice):
    """Flags first, then closes, takes and payments in any order, some of them nonsense."""
    marks, bankrupts = state.marks.marks.tolist(), np.flatnonzero(equities(state) < 0).tolist()
    flags = [Deficit(account, 10 ** dice.randrange(7, 10)) for account in bankrupts]

    def any_account():
        return dice.randrange(ACCOUNTS)

    def close():
        instrument = dice.choice((CALL, PERPETUAL))
        account = dice.choice(bankrupts) if bankrupts and dice.random() < 0.8 else any_account()
        price = marks[instrument] + dice.choice((0, 100_000, 100_001))
        slots = dice.randrange(3), dice.randrange(3)
        return Close(account, any_account(), instrument, dice.randrange(40), price, *slots)

    makers = (
        close,
        close,
        lambda: Haircut(any_account(), dice.choice((0, 0, 0, 1)), 10 ** dice.randrange(6, 10)),
        lambda: Credit(any_account(), 10 ** dice.randrange(6, 10)),
        lambda: Deficit(any_account(), 10 ** dice.randrange(6, 10)),
    )
    return [*flags, *(dice.choice(makers)() for _ in range(CHUNK_WORDS - len(flags)))]


async def open_random_book(chain, dice):
    deposits = [dice.randrange(2 * 10**8, 10**9) for _ in range(ACCOUNTS)]
    await chain.open_accounts([owner(n + 1) for n in range(ACCOUNTS)])
    await chain.deposit(np.arange(ACCOUNTS), np.array(deposits))
    matches = []
    for _ in range(8):
        buyer, seller = dice.sample(range(ACCOUNTS), 2)
        price = MARK_MICRO + dice.randrange(-1_000_000, 1_000_000)
        matches.append([buyer, seller, dice.choice((CALL, PERPETUAL)), dice.randrange(1, 9), price])
    await chain.trade(np.array(matches))
    await chain.fund_insurance(dice.randrange(10**8))


def random_marks(dice):
    """A market that breaks somebody; now and then one mark is left to grow stale."""
    marks = {CALL: dice.randrange(1, 20) * 10**7, PERPETUAL: dice.randrange(1, 6) * 5 * 10**6}
    if dice.random() < 0.2:
        del marks[dice.choice((CALL, PERPETUAL))]
    return marks


@pytest.mark.parametrize("seed", range(5))
async def test_a_chunk_of_random_legs_does_what_was_projected(chain, seed):
    dice, venue = Random(seed), Venue(chain)
    await venue.post({CALL: MARK_MICRO, PERPETUAL: MARK_MICRO}, funding=0, sequence=1)
    await open_random_book(chain, dice)
    for epoch in range(1, 6):
        await chain.advance(dice.choice((5, 3_600, 7_200)))
        funding = dice.randrange(-(10**6), 10**6)
        await venue.post(random_marks(dice), funding=funding, sequence=epoch + 1)
        seen = await venue.state()
        legs = random_legs(seen, dice)
        header = header_of(seen, legs, dice, epoch=epoch)
        await venue.commit(header)
        before = await venue.state()
        now_s, told = await venue.execute(legs, epoch=epoch)
        found = projected(before, legs, header, now_s)
        check(found, told, await venue.state())


def projected(before, legs, header, now_s):
    limits = PlanLimits.of(
        header, account_cap_ppm=1_000_000, mark_age_s_max=before.funds.mark_age_s_max
    )
    # No box was opened on this venue, so its remote haircuts find no room.
    return project(before, legs, now_s=now_s, limits=replace(limits, remote_cap=0))


def check(found, told, after):
    """Every leg's answer, every account and every position are as projected."""
    assert told == [
        outcome.reason if isinstance(outcome, Refused) else outcome.amount
        for outcome in found.outcomes
    ]
    for name in ("cash", "realised_now", "realised_prev", "windows", "counts"):
        column = getattr(after.accounts, name).tolist()
        assert column == getattr(found.state.accounts, name).tolist(), name
    for name in ("accounts", "instruments", "lots", "costs"):
        column = getattr(after.positions, name).tolist()
        assert column == getattr(found.state.positions, name).tolist(), name
    assert after.funds.insurance_micro == found.state.funds.insurance_micro
