"""What can go wrong with a quote, and what the caller should do about it.

    OracleError            root; `transient` says whether asking again can help
    |-- OracleUnavailable  transient: the source did not answer; ask again
    |-- QuoteRejected      the answer is malformed, stale or impossible; leave this source out
    `-- QuorumNotMet       too few sources agree; skip this underlying for the round

Every message reads `where: what is wrong; what to do`.
"""

from typing import ClassVar

__all__ = ["OracleError", "OracleUnavailable", "QuorumNotMet", "QuoteRejected"]


class OracleError(Exception):
    """Root of everything this package raises."""

    transient: ClassVar[bool] = False


class OracleUnavailable(OracleError):
    """The source could not be reached or did not answer in time."""

    transient: ClassVar[bool] = True


class QuoteRejected(OracleError):
    """The source answered, but the answer must not be used."""


class QuorumNotMet(OracleError):
    """Too few independent sources remain for this underlying."""
