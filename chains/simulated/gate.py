"""Plans on the simulated gate: commit, execute, close, refund, and the guardian's stop.

The rule of each leg is :func:`chains.ledger.carry_out`; here stand the checks around it. Names
of errors are those of ``contracts/IDeleverageVenue.sol``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chains.codec.fields import FieldOutOfRange
from chains.codec.leg_words import LEGS_PER_CHUNK_MAX, unpack_leg
from chains.codec.merkle import chunk_leaf, verify_proof
from chains.codec.typed_data import header_digest
from chains.ledger import (
    Account,
    Outcome,
    PlanLimits,
    Quote,
    carry_out,
    refund,
)
from chains.legs import Header
from chains.model import InstrumentKind
from chains.simulated.quorum import require_quorum
from chains.simulated.reserve import room, take_escrow
from chains.simulated.state import Contracts, Env, LegLog, Plan, require
from chains.simulated.venue import rolled

__all__ = [
    "bucket_available",
    "close_plan",
    "commit",
    "execute",
    "refund_payers",
    "resume",
    "stop",
]

_STOP_S = 20 * 60
_STOP_PAUSE_S = 40 * 60
_NO_ACCOUNT = Account(0, 0, 0, 0, ())
_NO_QUOTE = Quote(InstrumentKind.OPTION, 0, 0, 0, 0, 0, 0)
"""What unwritten storage reads as."""


def commit(contracts: Contracts, env: Env, header: Header, signatures: bytes) -> None:
    """Accept a plan; an open plan of a lower epoch is closed first."""
    _require_running(contracts, env)
    _require_header(contracts, env, header)
    terms, gate = contracts.terms, contracts.gate
    digest = header_digest(header, chain_id=terms.chain_id, gate=terms.gate)
    require_quorum(digest, signatures, signers=terms.signers, threshold=terms.threshold)
    if gate.open_epoch:
        _close(contracts, env, gate.open_epoch)
    available, reserved = bucket_available(contracts, env.timestamp_s), _reserved(header)
    require(reserved <= available, "BucketExhausted")
    gate.bucket_level, gate.bucket_time_s = available - reserved, env.timestamp_s
    gate.plans[header.epoch] = Plan(header)
    gate.last_epoch = gate.open_epoch = header.epoch


def execute(
    contracts: Contracts,
    env: Env,
    *,
    epoch: int,
    chunk: int,
    mask: int,
    words: Sequence[bytes],
    proof: Sequence[bytes],
) -> None:
    """Carry out the masked legs of one proven chunk; refused ones stay untouched."""
    _require_running(contracts, env)
    require(epoch != 0 and epoch == contracts.gate.open_epoch, "PlanNotOpen")
    require(1 <= len(words) <= LEGS_PER_CHUNK_MAX, "BadChunkSize")
    plan = contracts.gate.writable(epoch)
    require(env.timestamp_s <= plan.header.expiry_s, "Expired")
    require(verify_proof(plan.header.legs_root, chunk_leaf(chunk, words), proof), "BadProof")
    for index in (i for i in range(len(words)) if mask >> i & 1):
        if not plan.bits.get(chunk, 0) >> index & 1:
            _execute_leg(contracts, env, plan, chunk=chunk, index=index, word=words[index])


def close_plan(contracts: Contracts, env: Env, epoch: int) -> None:
    """Anyone, once every leg is terminal or the plan has expired."""
    require(epoch != 0 and epoch == contracts.gate.open_epoch, "PlanNotOpen")
    header, done = _header(contracts, epoch), contracts.gate.plans[epoch].legs_done
    is_over = done == header.leg_count or env.timestamp_s > header.expiry_s
    require(is_over, "PlanStillOpen")
    _close(contracts, env, epoch)


def refund_payers(contracts: Contracts, env: Env, epoch: int, accounts: Sequence[int]) -> None:
    """Give back to each payer floor(back x taken / total), once; the last takes the dust."""
    plan = contracts.gate.writable(epoch)
    require(plan.is_closed, "PlanNotClosed")
    for account in accounts:
        is_due = plan.back > 0 and account in plan.money.taken and account not in plan.refunded
        require(is_due, "NothingToRefund")
        require(contracts.book.accounts[account].bound == 0, "AccountBound")
        plan.refunded.add(account)
        is_last = len(plan.refunded) == len(plan.money.taken)
        share = plan.back * plan.money.taken[account] // plan.money.taken_total
        amount = plan.back_left if is_last else share
        plan.back_left -= amount
        contracts.book.accounts[account] = refund(rolled(contracts.book, account, env), amount)


def stop(contracts: Contracts, env: Env) -> None:
    """The guardian stops commit, execute and prepare for 20 minutes, then not for 40."""
    gate = contracts.gate
    require(env.sender == contracts.terms.guardian, "NotGuardian")
    is_rested = env.timestamp_s >= gate.stopped_until_s + _STOP_PAUSE_S
    require(is_rested, "StoppedTooOften")
    gate.stopped_until_s = env.timestamp_s + _STOP_S


def resume(contracts: Contracts, env: Env) -> None:
    """Governance ends a stop early."""
    require(env.sender == contracts.terms.governance, "NotGovernance")
    contracts.gate.stopped_until_s = min(contracts.gate.stopped_until_s, env.timestamp_s)


def bucket_available(contracts: Contracts, now_s: int) -> int:
    """What plans may still reserve: the bucket refills by the second, up to its capacity."""
    gate, terms = contracts.gate, contracts.terms
    refilled = terms.bucket_refill * (now_s - gate.bucket_time_s)
    return min(terms.bucket_capacity, gate.bucket_level + refilled)


@dataclass(frozen=True, slots=True)
class _PlanBook:
    """The book as the legs of one plan see it."""

    contracts: Contracts
    env: Env
    epoch: int

    def load(self, account: int) -> Account:
        return self.contracts.book.accounts.get(account, _NO_ACCOUNT)

    def store(self, account: int, value: Account) -> None:
        self.contracts.book.accounts[account] = value

    def __getitem__(self, instrument: int, /) -> Quote:
        return self.contracts.book.quotes.get(instrument, _NO_QUOTE)

    def draw_insurance(self, wanted: int) -> int:
        drawn = min(wanted, self.contracts.book.insurance)
        self.contracts.book.insurance -= drawn
        return drawn

    def room(self, box: int, /) -> int:
        return room(self.contracts, self.env, epoch=self.epoch, box=box)

    def escrow(self, *, box: int, account: int, amount: int) -> None:
        take_escrow(self.contracts, epoch=self.epoch, box=box, account=account, amount=amount)


def _execute_leg(
    contracts: Contracts, env: Env, plan: Plan, *, chunk: int, index: int, word: bytes
) -> None:
    terms, epoch = contracts.terms, plan.header.epoch
    limits = PlanLimits.of(
        plan.header, account_cap_ppm=terms.account_cap_ppm, mark_age_s_max=terms.mark_age_s_max
    )
    try:
        leg = unpack_leg(word)
    except FieldOutOfRange:
        contracts.logs.append(LegLog(epoch, chunk, index, 0, "UnknownLeg"))
        return
    book = _PlanBook(contracts, env, epoch)
    result = carry_out(leg, book=book, money=plan.money, limits=limits, now_s=env.timestamp_s)
    if not isinstance(result, Outcome):
        contracts.logs.append(LegLog(epoch, chunk, index, 0, result.reason))
        return
    contracts.logs.append(LegLog(epoch, chunk, index, result.amount, None))
    if result.terminal:
        plan.bits[chunk] = plan.bits.get(chunk, 0) | 1 << index
        plan.legs_done += 1


def _require_running(contracts: Contracts, env: Env) -> None:
    require(env.timestamp_s >= contracts.gate.stopped_until_s, "Stopped")


def _require_header(contracts: Contracts, env: Env, header: Header) -> None:
    terms, now_s = contracts.terms, env.timestamp_s
    require(header.config_version == terms.config_version, "WrongConfigVersion")
    require(header.policy_digest == terms.policy_digest, "WrongPolicy")
    require(header.epoch > contracts.gate.last_epoch, "EpochNotAbove")
    require(now_s >= header.not_before_s, "NotYet")
    require(now_s <= header.expiry_s, "Expired")
    require(header.expiry_s - header.not_before_s <= terms.window_s_max, "WindowTooLong")
    require(_reserved(header) <= terms.plan_cap, "PlanCapExceeded")
    oldest = env.number - terms.snapshot_age_blocks_max
    require(header.snapshot_block >= oldest, "SnapshotTooOld")
    known = env.hashes.get(header.snapshot_block)
    require(known == header.snapshot_hash, "SnapshotNotCanonical")


def _reserved(header: Header) -> int:
    return header.haircut_cap_micro + header.remote_cap_micro


def _header(contracts: Contracts, epoch: int) -> Header:
    return contracts.gate.plans[epoch].header


def _close(contracts: Contracts, env: Env, epoch: int) -> None:
    gate, plan = contracts.gate, contracts.gate.writable(epoch)
    money = plan.money
    plan.back = plan.back_left = min(money.pot, money.taken_total)
    contracts.book.insurance += money.pot - plan.back
    money.pot = 0
    spent = money.taken_total - plan.back + money.remote_total
    returned = bucket_available(contracts, env.timestamp_s) + _reserved(plan.header) - spent
    gate.bucket_level = min(contracts.terms.bucket_capacity, returned)
    gate.bucket_time_s = env.timestamp_s
    plan.is_closed = True
    gate.open_epoch = 0
