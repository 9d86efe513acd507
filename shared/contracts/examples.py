"""One believable example of each contract, for readers and for tests."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from shared.contracts.event import Event
from shared.contracts.feedback.surveys import ScoredQuestion, ScoreReleased, SurveyChanged
from shared.contracts.goals.indicators import AssignmentChanged, IndicatorChanged, Ratio
from shared.contracts.goals.measurements import (
    EvaluatedPeriod,
    EvaluationMade,
    MeasurementRecorded,
    PeriodKey,
    RecordedValue,
    RuleSet,
    SeriesKey,
    TargetSet,
    TargetValue,
)
from shared.contracts.goals.organisation import BodyChanged, CalendarChanged, UnitChanged
from shared.contracts.goals.people import PrincipalChanged, RoleAssignmentChanged
from shared.contracts.logs import ERASED, RENEWED, ErasedEvent

_BODY, _ROOT, _UNIT, _CALENDAR, _INDICATOR, _ASSIGNMENT, _SERIES, _MEASUREMENT, _TARGET, _RESULT, _SURVEY, _CELL = (
    UUID(f"0193a1b2-0000-7000-8000-{number:012d}") for number in range(1, 13)
)
_MARCH = PeriodKey(frequency="month", start=date(2019, 3, 1))
_PRINCIPAL, _ROLE = UUID("3f0c5b8e-6f0a-5d2c-9a53-0d6b1a7c9e21"), UUID("0193a1b2-0000-7000-8000-000000000013")
_WAITS = SeriesKey(indicator_id=_INDICATOR, unit_id=_UNIT)
_AT_LEAST_95 = TargetValue(type="maintain_at_or_above", value=Decimal(95))

_EXAMPLES: Mapping[type[Event], Event] = {
    type(example): example
    for example in (
        BodyChanged(
            body_id=_BODY,
            slug="nhs-england",
            name={"en": "NHS England"},
            default_language="en",
            time_zone="Europe/London",
            root_unit_id=_ROOT,
        ),
        UnitChanged(
            unit_id=_UNIT,
            code="RF4",
            name={"en": "Barking, Havering and Redbridge University Hospitals NHS Trust"},
            parent_id=_ROOT,
            level="organisation",
            valid_from=date(2016, 4, 1),
            valid_to=None,
        ),
        CalendarChanged(
            calendar_id=_CALENDAR,
            code="main",
            name={"en": "Fiscal year"},
            start_month=4,
            label_rule="both_years",
            time_zone="Europe/London",
        ),
        PrincipalChanged(principal_id=_PRINCIPAL, principal_kind="person", state="blocked"),
        RoleAssignmentChanged(
            role_assignment_id=_ROLE,
            principal_id=_PRINCIPAL,
            role="data_provider",
            unit_id=_UNIT,
            valid_from=date(2019, 4, 1),
            valid_to=None,
            withdrawn=False,
        ),
        IndicatorChanged(
            indicator_id=_INDICATOR,
            code="ae-four-hours",
            name={"en": "Four-hour waits"},
            definition={"en": "Attendances admitted, transferred or discharged within four hours of arrival."},
            direction="increase",
            unit_of_measure={"en": "%"},
            decimals=1,
            ratio=Ratio(numerator={"en": "Within four hours"}, denominator={"en": "Attendances"}),
            aggregation_over_time="pooled_ratio",
            aggregation_over_units="pooled_ratio",
            disclosure_class="open",
            calendar_id=_CALENDAR,
            frequency="month",
        ),
        AssignmentChanged(
            assignment_id=_ASSIGNMENT,
            indicator_id=_INDICATOR,
            unit_id=_UNIT,
            valid_from=date(2016, 4, 1),
            valid_to=date(2019, 3, 31),
        ),
        MeasurementRecorded(
            series_id=_SERIES,
            series=_WAITS,
            values=[
                RecordedValue(
                    measurement_id=_MEASUREMENT,
                    period=_MARCH,
                    vintage=1,
                    value=Decimal("82.50"),
                    numerator=Decimal(19800),
                    denominator=Decimal(24000),
                )
            ],
        ),
        TargetSet(
            target_id=_TARGET,
            series_id=_SERIES,
            series=_WAITS,
            version=1,
            target=_AT_LEAST_95,
            valid_from=date(2016, 4, 1),
            valid_to=None,
            applies_below=True,
            reason="NHS Constitution standard",
        ),
        EvaluationMade(
            result_id=_RESULT,
            series_id=_SERIES,
            series=_WAITS,
            inputs_version=2,
            evaluated_at=datetime(2019, 4, 11, 9, 30, tzinfo=UTC),
            rule_set=RuleSet(name="value_against_target", version=1, parameters={"on_track_within": Decimal(5)}),
            periods=[
                EvaluatedPeriod(
                    period=_MARCH,
                    value=Decimal("82.5"),
                    numerator=Decimal(19800),
                    denominator=Decimal(24000),
                    reported=1,
                    expected=1,
                    target=_AT_LEAST_95,
                    status="not_met",
                    status_rule="value_below_target",
                )
            ],
        ),
        SurveyChanged(
            survey_id=_SURVEY,
            code="ae-experience",
            title={"en": "Your visit to A&E"},
            notice={"en": "Simulated answers"},
            state="open",
            published_version=1,
            unit_id=_UNIT,
            threshold=10,
            scored=[ScoredQuestion(question_id="overall", text={"en": "How was your visit?"}, indicator_id=_INDICATOR)],
        ),
        ScoreReleased(
            cell_id=_CELL,
            survey_id=_SURVEY,
            survey_code="ae-experience",
            question_id="overall",
            indicator_id=_INDICATOR,
            unit_id=_UNIT,
            period=_MARCH,
            release=1,
            final=False,
            count=12,
            numerator=Decimal(900),
            denominator=Decimal(12),
        ),
        *(
            erased(case="2026-17", events=[ErasedEvent(position=4711, id=_MEASUREMENT, subject=_SERIES)])
            for erased in ERASED
        ),
        *(renewed(previous_log=_RESULT, restored_to=4711) for renewed in RENEWED),
    )
}


def example_of(event: type[Event]) -> Event:
    """The example of a contract."""
    return _EXAMPLES[event]
