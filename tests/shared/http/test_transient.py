"""Which failures of the database are worth another try with the same request."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database import engine_for
from shared.http.problems import is_transient


@pytest.mark.parametrize(
    "failure",
    [
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.OutOfMemoryError("out of memory"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.InterfaceError("cannot perform operation: connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_server_that_is_full_or_away_may_answer_later(failure: Exception) -> None:
    assert is_transient(failure)


async def test_what_the_driver_says_is_understood_in_sqlalchemys_words_too(postgres: str) -> None:
    engine = engine_for(postgres, schema="public")
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        busy = asyncio.create_task(driver.execute("select pg_sleep(0.2)"))
        await asyncio.sleep(0.05)
        with pytest.raises(DBAPIError) as failure:
            await connection.execute(text("select 1"))
        await busy
    await engine.dispose()

    assert is_transient(failure.value)


@pytest.mark.parametrize(
    "failure",
    [asyncpg.CheckViolationError("violates a check"), asyncpg.DataError("invalid input for query argument $1")],
    ids=lambda failure: type(failure).__name__,
)
def test_what_cannot_be_stored_cannot_be_stored_later_either(failure: Exception) -> None:
    assert not is_transient(failure)
