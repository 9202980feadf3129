"""Gas limits by formula, never by estimate alone: an estimate is true only for one state.

A limit is not a price; unused gas is not paid. ``TRANSACTION`` is the protocol's own minimum. The
gate wants 250,000 left before every masked leg, so a chunk's limit always keeps that in hand.
"""

__all__ = [
    "TRANSACTION",
    "close_plan_gas",
    "commit_gas",
    "execute_gas",
    "open_gas",
    "prepare_gas",
    "refund_gas",
    "register_gas",
    "settle_gas",
]

TRANSACTION = 21_000
_PROOF_NODE = 5_000
_SIGNATURE = 15_000


def commit_gas(*, signatures: int) -> int:
    """Measured 202k with 5 signatures; a closed predecessor may come on top."""
    return 350_000 + _SIGNATURE * signatures


def execute_gas(*, words: int) -> int:
    """A chunk of ``words`` masked legs; a cold close with 16 positions a side stays below 150k."""
    return 350_000 + 150_000 * words


def open_gas(*, proof: int) -> int:
    """``proof`` = number of sibling nodes."""
    return 250_000 + _PROOF_NODE * proof


def prepare_gas(*, proof: int) -> int:
    """Reads the live account and binds it."""
    return 450_000 + _PROOF_NODE * proof


def register_gas(*, signatures: int) -> int:
    """A quorum check and one record."""
    return 250_000 + _SIGNATURE * signatures


def settle_gas() -> int:
    """One token transfer and a few counters."""
    return 400_000


def close_plan_gas() -> int:
    """Counters only."""
    return 250_000


def refund_gas(*, accounts: int) -> int:
    """An account word each, with tokens where the Reserve pays."""
    return 150_000 + 70_000 * accounts
