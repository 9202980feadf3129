"""Everything a chain can do to us, in one tree.

ChainError
├── ChainUnavailable          again     refused, timed out, 429, 5xx, lost reply
├── BlockReorged              again     the block we pinned is no longer canonical
├── ChainStateInvalid         leave out what was read cannot be true; the chain is excluded by name
├── TransactionWouldRevert    drop      the simulation says no; the slice is not sent
├── TransactionReverted       reconcile mined and reverted; ask the gate what is left, then re-plan
├── TransactionOutcomeUnknown look      nobody knows yet; ask the chain, never resend blindly
├── FinalityViolated          halt      a block we called final is gone; the chain is halted
└── SignerError               stop      key missing, wrong password, or a signature over other bytes

``transient`` says whether the same call may succeed later without anybody doing anything.
"""

from typing import ClassVar

__all__ = [
    "BlockReorged",
    "ChainError",
    "ChainStateInvalid",
    "ChainUnavailable",
    "FinalityViolated",
    "SignerError",
    "TransactionOutcomeUnknown",
    "TransactionReverted",
    "TransactionWouldRevert",
]


class ChainError(Exception):
    """Root of the tree; the message names the chain, what was looked at, and what to do."""

    transient: ClassVar[bool] = False


class ChainUnavailable(ChainError):
    """No answer, or no usable one."""

    transient = True


class BlockReorged(ChainError):
    """The pinned block is not canonical (any more)."""

    transient = True


class ChainStateInvalid(ChainError):
    """The chain answered, and the answer breaks a rule of the venue."""


class TransactionWouldRevert(ChainError):
    """``eth_call`` reverts; ``reason`` is the contract's error selector or message."""


class TransactionReverted(ChainError):
    """Mined with status 0."""


class TransactionOutcomeUnknown(ChainError):
    """Sent, perhaps; the chain must be asked."""

    transient = True


class FinalityViolated(ChainError):
    """A final block disappeared."""


class SignerError(ChainError):
    """The signer cannot or must not sign."""
