"""The goals service as administrators of principals and roles see it: what is known of a caller is read each time."""

from collections.abc import Iterator

import pytest

from services.goals.people.operations import know_caller
from shared.http.assigned import KnownCallers
from tests.goals.service import Goals


@pytest.fixture
def people(goals: Goals) -> Iterator[Goals]:
    """The service with its small body, without a memory of callers."""
    remembering = goals.app.state.assigned
    goals.app.state.assigned = KnownCallers(goals.app.state.sessions, know_caller, fresh=0)
    yield goals
    goals.app.state.assigned = remembering
