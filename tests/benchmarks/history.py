"""Events as the log of goals has them, made without goals: for benchmarks of what comes after."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg

from shared.contracts import MeasurementRecorded, SeriesKey
from shared.contracts.goals.measurements import PeriodKey, RecordedValue
from shared.ids import new_id
from shared.messaging.chain import Entry

COLUMNS = ("event_id", "type", "subject", "subject_version", "time", "data", "actor", "causation_depth")


def measurements(count: int, *, series: int = 10_000, seed: int = 7) -> Iterator[Entry]:
    """Measurements as goals tells them: one month's number of one of many series, each series in its own order."""
    dice = random.Random(seed)  # noqa: S311 - made-up numbers, not secrets
    known = [(new_id(), SeriesKey(indicator_id=new_id(), unit_id=new_id())) for _ in range(series)]
    versions = [0] * series
    for _ in range(count):
        number = dice.randrange(series)
        versions[number] += 1
        month = versions[number] % 120
        id_, key = known[number]
        value = RecordedValue(
            measurement_id=new_id(),
            period=PeriodKey(frequency="month", start=date(2010 + month // 12, month % 12 + 1, 1)),
            vintage=1 + versions[number] // 120,
            value=Decimal(dice.randrange(100_000)) / 100,
            numerator=Decimal(dice.randrange(20_000)),
            denominator=Decimal(20_000),
        )
        said = MeasurementRecorded(series_id=id_, series=key, values=[value])
        yield Entry(
            id=new_id(),
            type=MeasurementRecorded.type,
            subject=id_,
            subject_version=versions[number],
            time=datetime(2019, 4, 1, tzinfo=UTC),
            data=said.model_dump_json(),
            actor=str(UUID(int=1)),
        )


async def write_to_outbox(connection: "asyncpg.Connection[asyncpg.Record]", schema: str, count: int) -> None:
    """Put measurements into an outbox, as operations would have."""
    records = [
        (each.id, each.type, each.subject, each.subject_version, each.time, each.data, each.actor, 0)
        for each in measurements(count)
    ]
    await connection.copy_records_to_table("outbox", schema_name=schema, columns=COLUMNS, records=records)
