"""The one place where errors become exit codes.

     0  done                        69  chain, oracle or quorum unavailable
     1  the honest answer is no     70  invariant violated, or a promise of a chain broken
     2  usage (typer's own)         75  try later: another process works here
    65  input data                  78  settings

systemd: RestartPreventExitStatus=70 78.
"""

from enum import IntEnum

from chains.errors import ChainError, ChainStateInvalid, FinalityViolated, SignerError
from coordinator.errors import (
    CoordinatorError,
    DocumentInvalid,
    InvariantViolation,
    JournalError,
    SettingsError,
)
from kernels.errors import BackendUnavailable, KernelError
from oracles.errors import OracleError, QuoteRejected

__all__ = ["OWN_ERRORS", "Exit", "InputUnreadable", "blamed", "exit_of"]


class Exit(IntEnum):
    """Exit codes, mostly those of sysexits.h."""

    DONE = 0
    NO = 1
    USAGE = 2
    INPUT = 65
    UNAVAILABLE = 69
    INVARIANT = 70
    LATER = 75
    SETTINGS = 78


class InputUnreadable(CoordinatorError):
    """A file named on the command line cannot be read."""


OWN_ERRORS = (ChainError, CoordinatorError, KernelError, OracleError)

_EXITS: tuple[tuple[type[Exception], Exit], ...] = (
    (SettingsError, Exit.SETTINGS),
    (SignerError, Exit.SETTINGS),
    (BackendUnavailable, Exit.SETTINGS),
    (InvariantViolation, Exit.INVARIANT),
    (FinalityViolated, Exit.INVARIANT),
    (JournalError, Exit.INVARIANT),
    (DocumentInvalid, Exit.INPUT),
    (InputUnreadable, Exit.INPUT),
    (ChainStateInvalid, Exit.INPUT),
    (QuoteRejected, Exit.INPUT),
    (KernelError, Exit.INPUT),
)
"""The first that fits; whatever else we raise is somebody else's absence."""


def exit_of(error: Exception) -> Exit:
    """The exit code of one of our own errors."""
    if isinstance(error, JournalError) and isinstance(error.__cause__, BlockingIOError):
        return Exit.LATER
    return next((code for kind, code in _EXITS if isinstance(error, kind)), Exit.UNAVAILABLE)


def blamed(group: ExceptionGroup[Exception]) -> Exception | None:
    """The error to report for tasks that failed together: the gravest of ours, if all are ours."""
    leaves = list(_leaves(group))
    if not all(isinstance(leaf, OWN_ERRORS) for leaf in leaves):
        return None
    gravity = [Exit.INVARIANT, Exit.SETTINGS, Exit.INPUT, Exit.LATER, Exit.UNAVAILABLE]
    return min(leaves, key=lambda leaf: gravity.index(exit_of(leaf)))


def _leaves(group: ExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, ExceptionGroup) else [error]
    return found
