"""The two gateways in hand that the tests of messages share."""

import pytest

from tests.scheduler.wires import Wires


@pytest.fixture
def sms() -> Wires:
    """A provider that can be asked for a tag."""
    return Wires("sms")


@pytest.fixture
def email() -> Wires:
    """A mail server, which cannot."""
    return Wires("email", searchable=False)
