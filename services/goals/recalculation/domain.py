"""What a change of an input touches."""

from dataclasses import dataclass
from uuid import UUID

from shared.periods.calendar import Period


@dataclass(frozen=True, slots=True)
class Touched:
    """What has to be computed again; None means every indicator, unit, disaggregation or period."""

    indicator_id: UUID | None = None
    unit_id: UUID | None = None
    disaggregation: dict[str, str] | None = None
    period: Period | None = None
