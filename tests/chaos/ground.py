"""What the load stands on: units, indicators and an open survey, made through the public APIs like everything else."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.progress import Progress

from deploy.demo.api import Api, in_batches
from deploy.demo.definitions import EXPERIENCE_INDICATOR, experience_survey, experience_version

INDICATORS = {"chaos-own": "none", "chaos-sum": "sum"}
"""Codes, with how a unit is made of those below."""
SUMMED = 200
"""So many units report what is summed: the sum reads all of them again, whichever has reported."""
YEAR = "2019"
MONTHS = tuple(f"{YEAR}-{month:02}-01" for month in range(1, 13))


def unit_codes(count: int) -> list[str]:
    """The units that report."""
    return [f"C{number:04}" for number in range(count)]


def indicator(code: str, over_units: str = "none") -> dict[str, Any]:
    """An indicator to be added."""
    return {
        "code": code,
        "name": {"en": "Load"},
        "definition": {"en": "Recorded while everything is being killed."},
        "direction": "increase",
        "unit_of_measure": {"en": "things"},
        "aggregation_over_time": "last",
        "aggregation_over_units": over_units,
        "disclosure_class": "open",
        "frequency": "month",
    }


async def lay(urls: Mapping[str, str], tokens: Mapping[str, str], units: int) -> None:
    """Make it, on a Steward that is empty."""
    with Progress(disable=True) as progress:
        async with (
            Api(urls["goals"], tokens["administrator"], progress) as goals,
            Api(urls["feedback"], tokens["performance_officer"], progress) as feedback,
        ):
            body = await goals.get("/v1/body")
            root = (await goals.get(f"/v1/units/{body['root_unit_id']}"))["code"]
            await goals.post_batches("Units", "/v1/units:batch", in_batches(list(_units(root, units)), 500))
            for code, over_units in INDICATORS.items():
                await goals.post("/v1/indicators", indicator(code, over_units))
            scored = await goals.post("/v1/indicators", EXPERIENCE_INDICATOR)
            survey = experience_survey(root)
            await feedback.post("/v1/surveys", survey, after=f"goals/{scored['id']}/1")
            version = await feedback.post(f"/v1/surveys/{survey['code']}/versions", experience_version(root))
            await feedback.post(f"/v1/surveys/{survey['code']}/versions/{version['number']}:publish")
            await feedback.post(f"/v1/surveys/{survey['code']}:open")


def _units(root: str, count: int) -> Iterator[dict[str, Any]]:
    for code in unit_codes(count):
        yield {"code": code, "name": {"en": code}, "parent": root, "level": "organisation", "valid_from": "2016-04-01"}
