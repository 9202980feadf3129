"""The error tree says who may be asked again."""

import pytest

from oracles.errors import OracleError, OracleUnavailable, QuorumNotMet, QuoteRejected


@pytest.mark.parametrize("kind", [OracleUnavailable, QuoteRejected, QuorumNotMet])
def test_every_error_is_an_oracle_error(kind):
    assert issubclass(kind, OracleError)


def test_only_an_unavailable_source_is_asked_again():
    kinds = (OracleError, OracleUnavailable, QuoteRejected, QuorumNotMet)
    assert [kind for kind in kinds if kind.transient] == [OracleUnavailable]
