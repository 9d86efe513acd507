"""What a newcomer can try on the running demo, as commands to copy and paste."""

import json
from collections.abc import Mapping
from pathlib import Path

from deploy.demo.answers import SURVEY
from deploy.demo.definitions import FOUR_HOURS
from deploy.demo.record import read_record
from deploy.local.body import DEMO_BODY
from shared.ids import random_id

UNIT = "RF4"
MONTH = "2019-03-01"


def next_steps(urls: Mapping[str, str], tokens: Mapping[str, str], directory: Path) -> list[tuple[str, str]]:
    """Titles and shell commands, each of which works as it stands and more than once."""
    goals, feedback, reporting = urls["goals"], urls["feedback"], urls["reporting"]
    month = next(
        month for month in read_record().months if month.organisation == UNIT and month.start.isoformat() == MONTH
    )
    correction = {
        "indicator": FOUR_HOURS.code,
        "unit": UNIT,
        "period": {"frequency": "month", "start": MONTH},
        "numerator": str(month.within_four_hours + 100),
        "denominator": str(month.attendances),
    }
    answers = directory / "twelve-answers.json"
    return [
        ("The dashboard of all 274 organisations, in a browser", f"{reporting}/scorecards"),
        ("A scorecard as a system reads it", f"curl -s '{reporting}/v1/scorecards/{UNIT}?period=2019-03'"),
        (
            "Correct a month: the old figure stays, as an earlier vintage (watch Steward-Written in the answer)",
            f"curl -si '{goals}/v1/measurements' -H 'Content-Type: application/json' "
            f"-H 'Authorization: Bearer {tokens['data_provider']}' -d '{json.dumps(correction)}'",
        ),
        (
            "Both vintages of that month",
            f"curl -s '{goals}/v1/measurements?indicator={FOUR_HOURS.code}&unit={UNIT}"
            f"&period_from={MONTH}&vintages=all' -H 'Authorization: Bearer {tokens['data_provider']}'",
        ),
        (
            "Post twelve answers as a phone would after a day offline",
            f"curl -s '{feedback}/v1/surveys/{SURVEY}/responses:batch' -H 'Content-Type: application/json' "
            f"-d '@{answers}'",
        ),
        (
            f"See the survey's tile change on the scorecard of {DEMO_BODY.name['en']}, within a minute "
            "(the first release of a day counts at once, later ones when the day ends)",
            f"{reporting}/scorecards/{DEMO_BODY.slug}",
        ),
        ("Answer the survey yourself, in a browser", f"{feedback}/surveys/{SURVEY}"),
        (
            "All numbers as a table, for a spreadsheet, pandas or DuckDB",
            f"curl -s '{reporting}/v1/results.csv?frequency=month' -o results.csv",
        ),
    ]


def write_twelve_answers(directory: Path) -> None:
    """Write the twelve answers that a next step posts; posting them again changes nothing."""
    items = [
        {"id": str(random_id()), "version": 1, "language": "en", "answers": {"overall": "very_good"}} for _ in range(12)
    ]
    file = directory / "twelve-answers.json"
    file.write_text(json.dumps({"items": items}))
    file.chmod(0o644)
