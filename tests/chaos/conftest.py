"""The two services of the messaging tests, here to have things killed under them."""

from tests.shared.messaging.conftest import goals, reporting, service

__all__ = ["goals", "reporting", "service"]
