"""Loading the demo's data the way any other system would: through the public APIs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from deploy.demo.api import Api, in_batches
from deploy.demo.citizens import Citizens, first_month
from deploy.demo.definitions import (
    EXPERIENCE_INDICATOR,
    FOUR_HOURS,
    MEASURED,
    experience_survey,
    experience_version,
    standard,
)
from deploy.demo.record import Record, read_record

BATCH = 500


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is there now."""

    units: int
    indicators: int
    measurements: int
    simulated_answers: int


async def load(urls: Mapping[str, str], tokens: Mapping[str, str], progress: Progress, clock: Path) -> Loaded:
    """Load units, indicators, the record and a survey with simulated answers; returns when a scorecard shows them.

    `clock` is the file that moves Steward's clock: the simulated answers arrive over the year that ends yesterday.
    Each request carries an Idempotency-Key, so that a load that was cut off can simply be run again.
    """
    record = read_record()
    async with (
        Api(urls["goals"], tokens["administrator"], progress) as administrator,
        Api(urls["goals"], tokens["performance_officer"], progress) as officer,
        Api(urls["feedback"], tokens["performance_officer"], progress) as surveyor,
        Api(urls["reporting"], None, progress) as reader,
    ):
        body = await administrator.get("/v1/body")
        root = (await administrator.get(f"/v1/units/{body['root_unit_id']}"))["code"]
        units = await _units(administrator, record, root)
        await _indicators(officer, record, root)
        citizens = Citizens(surveyor, officer, clock)
        await _survey(surveyor, officer, root)
        answers = await citizens.answer_for_a_year()
        measurements = await _measurements(officer, record)
        await _until_shown(reader, record, root)
    return Loaded(units, len(MEASURED) + 1, measurements, answers)


async def _units(api: Api, record: Record, root: str) -> int:
    regions = [
        {
            "code": region.code,
            "name": {"en": region.name},
            "parent": root,
            "level": "region",
            "valid_from": "2016-04-01",
        }
        for region in record.regions
    ]
    organisations = [
        {
            "code": organisation.code,
            "name": {"en": organisation.name},
            "parent": organisation.region,
            "level": "organisation",
            "valid_from": "2016-04-01",
        }
        for organisation in record.organisations
    ]
    await api.post_batches("Units", "/v1/units:batch", [regions, *in_batches(organisations, BATCH)])
    return len(regions) + len(organisations) + 1


async def _indicators(api: Api, record: Record, root: str) -> None:
    for measured in MEASURED:
        await api.post("/v1/indicators", measured.definition)
    await api.post("/v1/indicators", EXPERIENCE_INDICATOR)
    await api.post("/v1/targets", standard(FOUR_HOURS.code, root))
    assignments: list[dict[str, Any]] = [
        {
            "indicator": measured.code,
            "unit": code,
            "valid_from": first.isoformat(),
            # The last month of the record is the last we know of, not the last one expected.
            "valid_to": None if last == record.last_month else record.end_of(last).isoformat(),
        }
        for measured in MEASURED
        for code, first, last in record.reporting_spans()
    ]
    assignments.append(
        {
            "indicator": EXPERIENCE_INDICATOR["code"],
            "unit": root,
            "valid_from": first_month().isoformat(),
            "valid_to": None,
        }
    )
    await api.post_batches("Assignments", "/v1/assignments:batch", in_batches(assignments, BATCH))


async def _survey(surveyor: Api, officer: Api, root: str) -> None:
    indicator = await officer.get(f"/v1/indicators/{EXPERIENCE_INDICATOR['code']}")
    survey = experience_survey(root)
    await surveyor.post("/v1/surveys", survey, after=f"goals/{indicator['id']}/1")
    version = await surveyor.post(f"/v1/surveys/{survey['code']}/versions", experience_version(root))
    await surveyor.post(f"/v1/surveys/{survey['code']}/versions/{version['number']}:publish")
    await surveyor.post(f"/v1/surveys/{survey['code']}:open")


async def _measurements(api: Api, record: Record) -> int:
    items: list[dict[str, Any]] = [
        {
            "indicator": measured.code,
            "unit": month.organisation,
            "period": {"frequency": "month", "start": month.start.isoformat()},
            **measured.report(month),
        }
        for month in record.months
        for measured in MEASURED
    ]
    await api.post_batches("Measurements", "/v1/measurements:batch", in_batches(items, BATCH))
    return len(items)


async def _until_shown(api: Api, record: Record, root: str) -> None:
    """Wait until the dashboard and the scorecard of the whole body stand on every month of every organisation."""

    async def covered() -> int:
        national = await api.get(f"/v1/scorecards/{root}", period="record")
        reported = [tile["figure"]["coverage"]["reported"] for tile in national["tiles"]]
        below: Counter[str] = Counter()
        page: dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            cursor = {"cursor": page["next"]} if page["next"] else {}
            page = await api.get("/v1/scorecards", period="record", limit="200", **cursor)
            for row in page["items"]:
                for column, cell in zip(page["columns"], row["cells"], strict=True):
                    below[column["indicator"]["code"]] += cell["figure"]["coverage"]["reported"]
        return min(max(reported, default=0), *(below[measured.code] for measured in MEASURED))

    await api.watch("Scorecards", covered, total=len(record.months))
