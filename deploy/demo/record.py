"""The NHS record as the demo posts it: units of a tree, who reported from when to when, and monthly figures."""

import csv
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DATA = Path(__file__).parent / "data"
OTHER_PROVIDERS = "other-providers"


@dataclass(frozen=True, slots=True)
class Region:
    """A region of the record."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation of the record; one without a public name is called by its code."""

    code: str
    name: str
    region: str


@dataclass(frozen=True, slots=True)
class Month:
    """One organisation's figures for one month, its department types summed."""

    organisation: str
    start: date
    attendances: int
    breaches: int
    admissions: int

    @property
    def within_four_hours(self) -> int:
        """Attendances that were seen, treated and admitted or discharged within four hours."""
        return self.attendances - self.breaches


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that is loaded, in a stable order: by organisation, then by month."""

    regions: tuple[Region, ...]
    organisations: tuple[Organisation, ...]
    months: tuple[Month, ...]

    @property
    def last_month(self) -> date:
        """The first day of the last month on record."""
        return max(month.start for month in self.months)

    @staticmethod
    def end_of(month: date) -> date:
        """The last day of a month."""
        return month.replace(day=monthrange(month.year, month.month)[1])

    def reporting_spans(self) -> Iterator[tuple[str, date, date]]:
        """Each organisation with the first and the last month it reported.

        The record does not say who was expected to report; the demo takes this span for it, and says so.
        """
        spans: dict[str, list[date]] = defaultdict(list)
        for month in self.months:
            spans[month.organisation].append(month.start)
        for code, starts in spans.items():
            yield code, min(starts), max(starts)


def read_record(data: Path = DATA) -> Record:
    """The record, from the files that the demo ships."""
    regions: dict[str, Region] = {}
    organisations = []
    with (data / "nhs_organisations.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            region = row["region_code"] or OTHER_PROVIDERS
            regions.setdefault(region, Region(region, row["region"] or "Other providers"))
            organisations.append(Organisation(row["org_code"], row["name"] or row["org_code"], region))
    figures: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0, 0])
    with (data / "nhs_ae_attendances.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sums = figures[row["org_code"], date.fromisoformat(row["period"])]
            for column, name in enumerate(("attendances", "breaches", "admissions")):
                sums[column] += int(row[name])
    months = tuple(Month(code, start, *sums) for (code, start), sums in sorted(figures.items()))
    return Record(tuple(regions[code] for code in sorted(regions)), tuple(organisations), months)
