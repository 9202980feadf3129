"""What every test may rely on: shared fixtures, and a log that belongs to no earlier test."""

from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["tests.coordinator.venue_site"]


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A command configures the log for its own streams, which end with its test."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(50),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    yield
    structlog.reset_defaults()
