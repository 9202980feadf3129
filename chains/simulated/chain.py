"""A simulated chain: blocks with hashes and given times, a mempool, nonces, fees and reorgs.

Everything here is synchronous and deterministic. Each block keeps the contracts as they were after
it, so a reorg is an older block made head again. Each test, or a clock of its own, says when a
block is mined and what time it carries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chains.base import Level
from chains.codec.fields import FieldOutOfRange, keccak256
from chains.codec.transaction import unpack_signed
from chains.errors import (
    ChainStateInvalid,
    ChainUnavailable,
    TransactionOutcomeUnknown,
)
from chains.model import BlockRef
from chains.simulated.block import (
    Action,
    Block,
    Depths,
    Fate,
    Mined,
    Mining,
    Transaction,
)
from chains.simulated.dispatch import carry_out_call, gas_of
from chains.simulated.faults import Dice, FaultKind, Faults
from chains.simulated.state import Contracts, Env, Reverted

__all__ = ["SimulatedChain"]

_GENESIS_NUMBER = 1
_BUMP_PERCENT = 110
_NOBODY = bytes(20)


@dataclass(slots=True)
class SimulatedChain:
    """One chain with one venue. ``wei``: gas money at the start, by address.

    A transaction is included once its nonce is next, its fee cap reaches ``base_fee_wei`` and its
    sender can pay for it. ``block_interval_s`` is used where blocks are mined on publish.
    """

    genesis: Contracts
    genesis_s: int
    wei: Mapping[bytes, int] = field(default_factory=dict)
    depths: Depths = field(default_factory=Depths)
    mining: Mining = Mining.MANUAL
    block_interval_s: int = 1
    base_fee_wei: int = 1_000_000_000
    priority_fee_wei: int = 100_000_000
    faults: Faults = field(default_factory=Faults)
    blocks: list[Block] = field(init=False)
    mempool: dict[tuple[bytes, int], Transaction] = field(init=False, default_factory=dict)
    upcoming: list[Action] = field(init=False, default_factory=list)
    forks: int = field(init=False, default=0)
    dice: Dice = field(init=False)

    def __post_init__(self) -> None:
        """Lay the first block."""
        ref = BlockRef(_GENESIS_NUMBER, self._hash(_NOBODY, self.genesis_s), self.genesis_s)
        self.blocks = [Block(ref, self.genesis, {}, dict(self.wei))]
        self.dice = Dice(self.faults)

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.blocks[-1]

    def at(self, level: Level, *, lag: int = 0) -> Block:
        """The block of a level, seen by a node that is ``lag`` blocks behind."""
        depth = {Level.LATEST: 0, Level.READ: self.depths.read, Level.FINAL: self.depths.final}
        return self.blocks[max(0, len(self.blocks) - 1 - depth[level] - lag)]

    def block_at(self, number: int) -> Block | None:
        """The canonical block of a number."""
        row = number - _GENESIS_NUMBER
        return self.blocks[row] if 0 <= row < len(self.blocks) else None

    def hashes(self) -> Mapping[int, bytes]:
        """Canonical block hashes by number, as far back as a gate may look."""
        kept = self.genesis.terms.snapshot_age_blocks_max + 1
        return {block.ref.number: block.ref.hash for block in self.blocks[-kept:]}

    def find(self, transaction_hash: bytes) -> tuple[BlockRef, Mined] | None:
        """Where a transaction was mined on the canonical chain."""
        for block in reversed(self.blocks):
            for mined in block.mined:
                if mined.transaction.hash == transaction_hash:
                    return block.ref, mined
        return None

    def include(self, action: Action) -> None:
        """Let a stranger act at the start of the next block; after a reorg it acts again."""
        self.upcoming.append(action)

    def accept(self, raw: bytes) -> Transaction:
        """Take a transaction into the mempool, as a node answers ``eth_sendRawTransaction``.

        Raises ChainUnavailable where the sender cannot pay for gas, TransactionOutcomeUnknown
        after every other refusal (known, nonce too low, underpriced, not of this chain).
        """
        transaction = self._decoded(raw)
        self._check_pool(transaction)
        needed = transaction.body.gas * transaction.body.fee_cap_wei
        if self.head.wei.get(transaction.sender, 0) < needed:
            raise ChainUnavailable(
                f"chain {self.chain_id}: insufficient funds for gas, {needed} wei are needed by "
                f"0x{transaction.sender.hex()}; top it up"
            )
        self.mempool[transaction.sender, transaction.body.nonce] = transaction
        if self.mining is Mining.ON_PUBLISH:
            self.mine(self.head.ref.timestamp_s + self.block_interval_s)
        return transaction

    def drop(self, transaction: Transaction) -> None:
        """Forget a transaction that waits."""
        self.mempool.pop((transaction.sender, transaction.body.nonce), None)

    def mine(self, timestamp_s: int) -> Block:
        """Add a block; a REORG fault first replaces the last ones by blocks of equal times."""
        if FaultKind.REORG in self.dice.roll("mine"):
            for dropped in self.reorg(self.faults.reorg_depth, fate=Fate.RETURNED):
                self._append(dropped.ref.timestamp_s)
        return self._append(timestamp_s)

    def reorg(self, depth: int, *, fate: Fate) -> tuple[Block, ...]:
        """Drop the last blocks (never the first) and say which; their actions act again."""
        kept = max(1, len(self.blocks) - depth)
        dropped = tuple(self.blocks[kept:])
        del self.blocks[kept:]
        self.forks += 1
        self.upcoming = [act for block in dropped for act in block.actions] + self.upcoming
        if fate is Fate.RETURNED:
            for mined in (mined for block in dropped for mined in block.mined):
                lost = mined.transaction
                self.mempool.setdefault((lost.sender, lost.body.nonce), lost)
        return dropped

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return self.genesis.terms.chain_id

    def _decoded(self, raw: bytes) -> Transaction:
        try:
            body, sender = unpack_signed(raw)
        except FieldOutOfRange as error:
            raise TransactionOutcomeUnknown(f"chain {self.chain_id}: {error}") from None
        if body.chain_id != self.chain_id:
            raise TransactionOutcomeUnknown(
                f"chain {self.chain_id}: these bytes are signed for chain {body.chain_id}"
            )
        return Transaction(keccak256(raw), sender, body)

    def _check_pool(self, transaction: Transaction) -> None:
        known = self.mempool.get((transaction.sender, transaction.body.nonce))
        if known is not None and known.hash == transaction.hash:
            raise TransactionOutcomeUnknown("already known")
        if transaction.body.nonce < self.head.nonces.get(transaction.sender, 0):
            raise TransactionOutcomeUnknown("nonce too low")
        if known is not None and not _is_bumped(transaction, known):
            raise TransactionOutcomeUnknown("replacement transaction underpriced")

    def _append(self, timestamp_s: int) -> Block:
        parent = self.head
        if timestamp_s < parent.ref.timestamp_s:
            raise ValueError(f"a block at {timestamp_s} cannot follow one at {parent.ref}")
        ref = BlockRef(parent.ref.number + 1, self._hash(parent.ref.hash, timestamp_s), timestamp_s)
        builder = _Builder(self, Env(_NOBODY, ref.number, timestamp_s, self.hashes()))
        self.blocks.append(builder.build(ref))
        return self.head

    def _hash(self, parent: bytes, timestamp_s: int) -> bytes:
        return keccak256(f"{self.chain_id}/{self.forks}/{timestamp_s}".encode() + parent)


def _is_bumped(transaction: Transaction, known: Transaction) -> bool:
    """Nodes replace a transaction only for a tenth more of both fees."""
    new, old = transaction.body, known.body
    has_cap = new.fee_cap_wei * 100 >= old.fee_cap_wei * _BUMP_PERCENT
    return has_cap and new.priority_fee_wei * 100 >= old.priority_fee_wei * _BUMP_PERCENT


class _Builder:
    """Makes one block out of strangers' actions and the mempool."""

    def __init__(self, chain: SimulatedChain, env: Env) -> None:
        self.chain, self.env = chain, env
        self.contracts = chain.head.contracts
        self.nonces = dict(chain.head.nonces)
        self.wei = dict(chain.head.wei)

    def build(self, ref: BlockRef) -> Block:
        actions, self.chain.upcoming = tuple(self.chain.upcoming), []
        refused = tuple(filter(None, [self._act(action) for action in actions]))
        mined: list[Mined] = []
        while (transaction := self._next()) is not None:
            mined.append(self._mine(transaction))
            self.chain.drop(transaction)
        return Block(ref, self.contracts, self.nonces, self.wei, tuple(mined), actions, refused)

    def _act(self, action: Action) -> str | None:
        attempt = self.contracts.copy()
        try:
            action(attempt, self.env)
        except (Reverted, ChainStateInvalid) as error:
            return f"{type(error).__name__}: {error}"
        self.contracts = attempt
        return None

    def _next(self) -> Transaction | None:
        return next((t for t in self.chain.mempool.values() if self._is_eligible(t)), None)

    def _is_eligible(self, transaction: Transaction) -> bool:
        return (
            transaction.body.nonce == self.nonces.get(transaction.sender, 0)
            and transaction.body.fee_cap_wei >= self.chain.base_fee_wei
            and self.wei.get(transaction.sender, 0)
            >= transaction.body.gas * transaction.body.fee_cap_wei
        )

    def _mine(self, transaction: Transaction) -> Mined:
        result = self._run(transaction)
        body = transaction.body
        price = min(body.fee_cap_wei, self.chain.base_fee_wei + body.priority_fee_wei)
        self.nonces[transaction.sender] = transaction.body.nonce + 1
        self.wei[transaction.sender] -= result.gas_used * price
        return result

    def _run(self, transaction: Transaction) -> Mined:
        attempt = self.contracts.copy()
        try:
            gas = gas_of(attempt, transaction.body.call)
            if gas > transaction.body.gas:
                return Mined(transaction, transaction.body.gas, "out of gas", ())
            env = replace(self.env, sender=transaction.sender)
            carry_out_call(attempt, env, transaction.body.call)
        except Reverted as error:
            return Mined(transaction, transaction.body.gas, str(error), ())
        self.contracts = attempt
        return Mined(transaction, gas, None, tuple(attempt.logs))
