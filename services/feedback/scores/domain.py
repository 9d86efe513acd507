"""Adding up answers, and deciding what of the sum may be let out. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from services.feedback.surveys.domain import Question
from shared.periods.calendar import FiscalCalendar, Period

BETWEEN_RELEASES = timedelta(minutes=1)
_EXACT = Context(prec=400)
"""Sums and squares are kept to the last digit: a square alone may have sixty."""
_MONTHS = FiscalCalendar()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a published version asked, and about which unit."""

    unit_id: UUID
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """One response that is not counted yet."""

    asked: Asked
    day: date
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CellKey:
    """What a cell is of."""

    question_id: str
    unit_id: UUID
    period: Period


@dataclass(slots=True)
class Tally:
    """Answers added up: how many, how many inside the denominator, their sum and squares, how many per option."""

    indicator_id: UUID | None = None
    count: int = 0
    scored: int = 0
    total: Decimal = Decimal(0)
    squares: Decimal = Decimal(0)
    options: dict[str, int] = field(default_factory=dict)

    def add(self, question: Question, answer: str) -> None:
        """Count one answer."""
        self.count += 1
        if question.kind == "single_choice":
            self.options[answer] = self.options.get(answer, 0) + 1
        score = question.score_of(answer)
        if score is not None:
            self.scored += 1
            self.total = _EXACT.add(self.total, score)
            self.squares = _EXACT.add(self.squares, _EXACT.multiply(score, score))

    def with_more(self, other: "Tally") -> "Tally":
        """Both together."""
        options = {id_: self.options.get(id_, 0) + other.options.get(id_, 0) for id_ in {*self.options, *other.options}}
        return Tally(
            indicator_id=self.indicator_id or other.indicator_id,
            count=self.count + other.count,
            scored=self.scored + other.scored,
            total=_EXACT.add(self.total, other.total),
            squares=_EXACT.add(self.squares, other.squares),
            options=options,
        )


def tallied(responses: Iterable[Answered]) -> dict[CellKey, Tally]:
    """The responses added up per question, unit and month of the day of receipt; text is not counted."""
    cells: dict[CellKey, Tally] = {}
    for response in responses:
        period = _MONTHS.containing(response.day, "month")
        for question in response.asked.questions:
            answer = response.answers.get(question.id)
            if answer is None or question.kind == "text":
                continue
            key = CellKey(question.id, response.asked.unit_id, period)
            cells.setdefault(key, Tally(question.indicator_id)).add(question, answer)
    return cells


@dataclass(frozen=True, slots=True)
class Known:
    """How much of a cell was let out, and when last."""

    release: int = 0
    at: datetime | None = None
    count: int = 0
    scored: int = 0
    total: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Release:
    """What a cell lets out: everything in it, or at the end what was known before, and how many that leaves out."""

    number: int
    final: bool
    count: int
    scored: int
    total: Decimal
    left_out: int | None


def next_release(tally: Tally, known: Known, *, step: int, is_over: bool, now: datetime) -> Release | None:
    """The release that is due, if one is.

    What is compared with the step is how many answers this cell has gained since its last release, so that two
    releases never differ by fewer: neither the answers to the survey nor those to another question count. At least
    half of a step must have a score as well: what is let out is their sum and number, so nine times "don't know" would
    give away the tenth answer.
    """
    if known.at is not None and now < known.at + BETWEEN_RELEASES:
        return None
    gained = tally.count - known.count
    if gained >= step and 2 * (tally.scored - known.scored) >= step:
        return Release(
            number=known.release + 1,
            final=is_over,
            count=tally.count,
            scored=tally.scored,
            total=tally.total,
            left_out=0 if is_over else None,
        )
    if is_over and known.release > 0:
        return Release(
            number=known.release + 1,
            final=True,
            count=known.count,
            scored=known.scored,
            total=known.total,
            left_out=gained,
        )
    return None


def is_over(period: Period, *, time_zone: str, grace: timedelta, now: datetime) -> bool:
    """Whether a period has ended where the body is, and the grace time after it too."""
    after = _MONTHS.after(period)
    midnight = datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(time_zone))
    return now - grace >= midnight
