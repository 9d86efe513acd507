"""What the templates of the entry pages show: stored numbers as words, and the fields of a form."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.goals.indicators.tables import Indicator
from services.goals.measurements.queries.asked import AskedNumber
from services.goals.measurements.tables import Measurement
from services.goals.measurements.web.typed import STATUSES, Typed
from services.goals.permissions import ROLES
from shared.decimals import plain
from shared.texts import in_language

Say = Callable[[Mapping[str, str] | None], str]
_RECORDERS = sorted(role for role, held in ROLES.items() if "measurements:record" in held)


def speaker(languages: Sequence[str]) -> Say:
    """Texts in the first of these languages that each has."""
    return lambda text: in_language(text or {}, *languages)


def recorders() -> str:
    """The roles that may enter and correct, as people read them: `administrator, data provider or …`."""
    names = [role.replace("_", " ") for role in _RECORDERS]
    return f"{', '.join(names[:-1])} or {names[-1]}"


@dataclass(frozen=True, slots=True)
class Field:
    """A text field of the form."""

    name: str
    id: str
    label: str
    value: str
    error: str | None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """The form's part for one indicator."""

    code: str
    name: str
    definition: str
    stands: str | None
    """The number that stands, in words."""
    standing: Measurement | None
    numbers: tuple[Field, ...]
    status: str
    status_id: str
    status_error: str | None
    reason: Field
    seen: int

    @property
    def errors(self) -> list[tuple[str, str]]:
        """What is wrong, each with the field that it is beside."""
        fields = [*self.numbers, self.reason]
        found = [(field.id, f"{self.name}, {field.label}: {field.error}") for field in fields if field.error]
        status = [(self.status_id, f"{self.name}, status: {self.status_error}")] if self.status_error else []
        return found + status


def fields_of(asked: AskedNumber, typed: Typed, say: Say) -> Fields:
    """The fields of one indicator, as they were typed or as they stand."""
    indicator = asked.indicator
    measure = say(indicator.unit_of_measure)
    if indicator.ratio_factor is None:
        labels = {"value": f"Number ({measure})" if measure else "Number"}
    else:
        labels = {"numerator": say(indicator.ratio_numerator), "denominator": say(indicator.ratio_denominator)}

    def field(name: str, label: str, hint: str | None = None) -> Field:
        ident = f"{indicator.code}-{name}"
        return Field(f"{indicator.code}:{name}", ident, label, getattr(typed, name), typed.errors.get(name), hint)

    return Fields(
        code=indicator.code,
        name=say(indicator.name),
        definition=say(indicator.definition),
        stands=in_words(asked.standing, indicator, say) if asked.standing else None,
        standing=asked.standing,
        numbers=tuple(field(name, label) for name, label in labels.items()),
        status=typed.obs_status,
        status_id=f"{indicator.code}-obs_status",
        status_error=typed.errors.get("obs_status"),
        reason=field(
            "missing_reason",
            "Reason, where there is no number",
            "A short code in small letters, such as system_outage",
        ),
        seen=asked.vintage,
    )


def in_words(standing: Measurement, indicator: Indicator, say: Say) -> str:
    """What stands: `95.23 % (9,523 of 10,000), provisional`."""
    status = STATUSES[standing.obs_status].partition(":")[0]
    if standing.value is None:
        return f"{status}, {standing.missing_reason}"
    shown = f"{plain(standing.value)} {say(indicator.unit_of_measure)}".rstrip()
    if standing.numerator is not None and standing.denominator is not None:
        shown += f" ({plain(standing.numerator)} of {plain(standing.denominator)})"
    return shown if standing.obs_status == "A" else f"{shown}, {status.lower()}"
