"""What can go wrong in the coordinator itself.

CoordinatorError
├── SettingsError        stop at start   says file, key and why (exit 78)
├── DocumentInvalid      refuse          a published plan that cannot be read (exit 65)
├── StaleSnapshot        skip the round  the market or a chain is older than policy allows
├── IncompleteSnapshot   skip the round  nothing is left to plan on
├── PlanRejected         skip the round  too few verifiers signed
├── JournalError         stop            the journal is locked, torn in the middle, or full
└── InvariantViolation   stop            a plan breaks a promise; only the cli catches it (exit 70)
"""

from typing import ClassVar

__all__ = [
    "CoordinatorError",
    "DocumentInvalid",
    "IncompleteSnapshot",
    "InvariantViolation",
    "JournalError",
    "PlanRejected",
    "SettingsError",
    "StaleSnapshot",
]


class CoordinatorError(Exception):
    """Root of the tree."""

    transient: ClassVar[bool] = False


class SettingsError(CoordinatorError):
    """A setting is missing, unknown, malformed or contradicts another."""


class DocumentInvalid(CoordinatorError):
    """The bytes are not a plan document."""


class StaleSnapshot(CoordinatorError):
    """Too old to plan on."""

    transient = True


class IncompleteSnapshot(CoordinatorError):
    """No chain, or no market, could be read."""

    transient = True


class PlanRejected(CoordinatorError):
    """The quorum of verifiers did not sign; carries each verifier's reason."""

    transient = True


class JournalError(CoordinatorError):
    """Durability or order of the journal is in doubt; nothing may be sent."""


class InvariantViolation(CoordinatorError):
    """A plan would break a promise of docs/adl.md; names the invariant and the row."""
