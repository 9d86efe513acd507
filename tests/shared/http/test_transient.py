"""Which failures of the database are worth another try with the same request."""

import asyncpg
import pytest

from shared.http.problems import is_transient


@pytest.mark.parametrize(
    "failure",
    [
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.OutOfMemoryError("out of memory"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.InterfaceError("cannot perform operation: connection is closed"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_server_that_is_full_or_away_may_answer_later(failure: Exception) -> None:
    assert is_transient(failure)


@pytest.mark.parametrize(
    "failure",
    [asyncpg.CheckViolationError("violates a check"), asyncpg.DataError("invalid input for query argument $1")],
    ids=lambda failure: type(failure).__name__,
)
def test_what_cannot_be_stored_cannot_be_stored_later_either(failure: Exception) -> None:
    assert not is_transient(failure)
