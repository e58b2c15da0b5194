"""What the tests of delivery share."""

import pytest

from tests.conftest import free_port


@pytest.fixture
def port() -> int:
    """A free port, for a mail server that may come up only later."""
    return free_port()
