import logging

import pytest
import structlog


@pytest.fixture(autouse=True, scope="session")
def quiet_logs():
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
