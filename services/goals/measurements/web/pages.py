"""The pages on which people enter numbers: what waits, one period of a unit, and the way to what came of it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from services.goals.indicators.domain import ReportedFrequency
from services.goals.measurements.errors import NothingRecorded
from services.goals.measurements.operations.entering import Written, enter_numbers
from services.goals.measurements.queries.asked import AskedPeriod, asked_period
from services.goals.measurements.queries.awaited import Place, awaited_indicators, awaited_periods
from services.goals.measurements.web.typed import ACCEPTED, STATUSES, Typed, as_it_stands, as_typed, in_plain_words
from services.goals.measurements.web.views import Say, fields_of, recorders, speaker
from services.goals.organisation.queries import the_body, unit_by_key
from services.goals.organisation.tables import Body
from services.goals.permissions import PageRecorder
from shared.days import Day
from shared.errors import FieldError, InvalidInput, PreconditionFailed, ServiceError
from shared.http.auth import Caller
from shared.http.languages import Languages
from shared.http.pages import BadCursor
from shared.http.sessions import Now, Reading, Session
from shared.http.sign_in.visitors import address_signed_in
from shared.http.written import MOST_MARKS, Marks, written
from shared.ids import Key
from shared.periods.calendar import FiscalCalendar, Period
from shared.ui.render import page

router = APIRouter(include_in_schema=False, prefix="/measurements")


@router.get("")
async def waiting_page(
    request: Request,
    caller: PageRecorder,
    session: Reading,
    now: Now,
    languages: Languages,
    unit: Annotated[str, Query(max_length=200)] = "",
    indicator: Annotated[str, Query(max_length=64)] = "",
    before: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The periods of the visitor's units that wait for numbers, newest first."""
    body = await the_body(session)
    say = speaker((*languages, body.default_language))
    waiting = await awaited_periods(
        session,
        caller.scope,
        today=_today(body, now),
        after=_place(before),
        unit=unit.strip() or None,
        indicator=indicator or None,
    )
    return page(
        request,
        "waiting.html",
        rows=waiting.rows,
        unit=unit,
        indicator=indicator,
        indicators=await awaited_indicators(session, caller.scope),
        is_first=not before,
        further=_further(waiting.following, unit=unit, indicator=indicator),
        say=say,
        body_name=say(body.name),
    )


@router.get("/open")
async def open_page(
    caller: PageRecorder,
    session: Reading,
    unit: Annotated[str, Query(max_length=64)] = "",
    month: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The page of any month of a unit of the visitor's, where numbers that were reported are corrected."""
    found = await unit_by_key(session, unit.strip(), caller.scope)
    try:
        start = date.fromisoformat(f"{month.strip()}-01")
    except ValueError as error:
        accepted = "a year and a month, such as 2019-03"
        raise InvalidInput("The month cannot be read.", [FieldError("month", accepted, month)]) from error
    return RedirectResponse(f"/measurements/{found.code}/month/{start}", 303)


@router.get("/{unit}/{frequency}/{start}")
async def period_page(
    request: Request,
    caller: PageRecorder,
    session: Reading,
    now: Now,
    languages: Languages,
    unit: Key,
    frequency: ReportedFrequency,
    start: Day,
) -> Response:
    """The numbers of one period of a unit, to be entered or corrected."""
    body = await the_body(session)
    asked = await asked_period(session, unit, Period(start, frequency), caller.scope, today=_today(body, now))
    typed = {one.indicator.code: as_it_stands(one) for one in asked.numbers}
    return _form(request, body, asked, typed, languages)


@router.post("/{unit}/{frequency}/{start}")
async def enter_period(
    request: Request,
    caller: PageRecorder,
    session: Session,
    now: Now,
    languages: Languages,
    unit: Key,
    frequency: ReportedFrequency,
    start: Day,
) -> Response:
    """Record all that was entered, and lead to the scorecard; or record nothing, and say what to change."""
    body = await the_body(session)
    period = Period(start, frequency)
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    asked = await asked_period(session, unit, period, caller.scope, today=_today(body, now))
    typed = {one.indicator.code: as_typed(one, form) for one in asked.numbers}
    told = await _recorded(session, caller, asked, typed, now=now)
    if told is not None:
        marks = [written("goals", one.series_id, one.series_version) for one in told[:MOST_MARKS]]
        query = urlencode({"after": marks}, doseq=True, safe="/")
        # Whoever reloads what follows sends nothing twice.
        return RedirectResponse(f"/measurements/{asked.unit.code}/{frequency}/{start}/recorded?{query}", 303)
    # What stands now, which somebody else may have recorded meanwhile.
    asked = await asked_period(session, unit, period, caller.scope, today=_today(body, now))
    return _form(request, body, asked, typed, languages, refused=True)


@router.get("/{unit}/{frequency}/{start}/recorded")
async def recorded_page(
    request: Request,
    caller: PageRecorder,
    session: Reading,
    now: Now,
    languages: Languages,
    marks: Marks,
    unit: Key,
    frequency: ReportedFrequency,
    start: Day,
) -> Response:
    """The word that the numbers are recorded, and the way to the scorecard that shows them.

    A page that leads on, and no redirect: the policy that forms stay on this site holds for where a form ends, too.
    """
    body = await the_body(session)
    say = speaker((*languages, body.default_language))
    asked = await asked_period(session, unit, Period(start, frequency), caller.scope, today=_today(body, now))
    shown = f"{start:%Y-%m}" if frequency == "month" else f"{frequency}:{start}"
    after = [written(mark.service, mark.aggregate_id, mark.version) for mark in marks]
    query = urlencode({"period": shown, "after": after}, doseq=True, safe="/")
    reporting = request.app.state.settings.links.get("reporting", "").rstrip("/")
    card = f"/scorecards/{asked.unit.code}?{query}"
    return page(
        request,
        "recorded.html",
        asked=asked,
        scorecard=reporting and address_signed_in(request, reporting, card),
        say=say,
        body_name=say(body.name),
    )


async def _recorded(
    session: Session, caller: Caller, asked: AskedPeriod, typed: Mapping[str, Typed], *, now: Now
) -> Sequence[Written] | None:
    """What was written, or None where something is wrong: the fields then hold what."""
    standing = {one.indicator.code: one for one in asked.numbers}
    entered = {}
    for code, one in typed.items():
        if one.says_nothing and standing[code].standing is None:
            continue
        if (said := one.entered(asked.period)) is not None:
            entered[code] = said
    if not entered or any(one.errors for one in typed.values()):
        return None
    try:
        return await enter_numbers(
            session, asked.unit.code, asked.period, entered, scope=caller.scope, actor=caller.actor, now=now
        )
    except NothingRecorded as refused:
        for code, reason in refused.reasons.items():
            _note(reason, typed[code], standing[code].indicator.ratio_factor is not None)
        return None


def _note(reason: ServiceError, typed: Typed, is_ratio: bool) -> None:
    own = "numerator" if is_ratio else "value"
    if isinstance(reason, PreconditionFailed):
        typed.errors[own] = (
            "Somebody else has recorded a number since you opened this page. It is shown above as the one that stands; "
            "yours is still in the field. Save again to replace theirs"
        )
    for error in reason.fields:
        field, words = in_plain_words(error, typed, own)
        typed.errors.setdefault(field, words)
    if not typed.errors:
        typed.errors[own] = reason.detail


def _form(
    request: Request,
    body: Body,
    asked: AskedPeriod,
    typed: Mapping[str, Typed],
    languages: Sequence[str],
    *,
    refused: bool = False,
) -> Response:
    say: Say = speaker((*languages, body.default_language))
    fields = [fields_of(one, typed[one.indicator.code], say) for one in asked.numbers if one.indicator.code in typed]
    summary = [{"text": text, "href": f"#{field}"} for one in fields for field, text in one.errors]
    if refused and not summary and fields:
        summary = [{"text": "Enter at least one number", "href": f"#{fields[0].numbers[0].id}"}]
    return page(
        request,
        "period.html",
        status=422 if refused else 200,
        asked=asked,
        fields=fields,
        summary=summary,
        accepted=ACCEPTED,
        statuses=STATUSES,
        reported=sum(one.standing is not None for one in asked.numbers),
        recorders=recorders(),
        say=say,
        body_name=say(body.name),
    )


def _today(body: Body, now: Now) -> date:
    return FiscalCalendar(time_zone=body.time_zone).day_of(now)


def _place(sent: str) -> Place | None:
    if not sent:
        return None
    start, _, rest = sent.partition(",")
    unit, _, frequency = rest.partition(",")
    try:
        return Place(date.fromisoformat(start), unit, frequency)
    except ValueError as error:
        raise BadCursor("Follow the link «Further back» as the page gives it.") from error


def _further(place: Place | None, **filters: Any) -> str | None:
    if place is None:
        return None
    query = {**filters, "before": f"{place.start},{place.unit},{place.frequency}"}
    return f"/measurements?{urlencode({name: value for name, value in query.items() if value})}"
