"""Numbers made into one, by the rule and by the tree."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from services.goals.evaluation.domain.affected import Asked
from services.goals.evaluation.domain.evaluating import Evaluated, evaluate
from services.goals.evaluation.domain.pooling import Amount, Observation, Rules, combined, pooled, told
from services.goals.evaluation.domain.record import Inputs, Place
from services.goals.indicators.domain import Aggregation, Span
from services.goals.measurements.domain import ObsStatus
from shared.periods.calendar import FiscalCalendar, Frequency, Period

NATION, REGION, A, B, C = (UUID(int=number) for number in range(1, 6))
TREE = {NATION: None, REGION: NATION, A: REGION, B: REGION, C: NATION}
ALWAYS = Span(date(1900, 1, 1))
APRIL, MAY, JUNE = (date(2018, number, 1) for number in (4, 5, 6))
SUMS = Rules("sum", "sum")
Said = Mapping[UUID, Mapping[date, Observation]]


def said(value: str | None, status: ObsStatus = "A", reason: str | None = None) -> Observation:
    """A value, or why there is none."""
    return Observation(None if value is None else Amount(Decimal(value)), status, reason)


def share(numerator: int, denominator: int) -> Observation:
    """A percentage with what it is made of."""
    value = Decimal(numerator) * 100 / Decimal(denominator)
    return Observation(Amount(value, Decimal(numerator), Decimal(denominator)))


def in_short(one: Evaluated) -> str:
    """The value and its coverage."""
    return f"{one.value} from {one.reported} of {one.expected}"


def evaluated(
    observed: Said,
    rules: Rules = SUMS,
    *,
    assigned: tuple[UUID, ...] = (A, B, C),
    spans: Mapping[UUID, Span] | None = None,
    last: date = JUNE,
) -> dict[tuple[UUID, Frequency, date], Evaluated]:
    """Everything about April to June 2018, by unit and period."""
    inputs = Inputs(
        calendar=FiscalCalendar(start_month=4),
        frequency="month",
        rules=rules,
        first=APRIL,
        last=last,
        places={unit: Place(parent, ALWAYS) for unit, parent in TREE.items()},
        assigned={unit: [(spans or {}).get(unit, ALWAYS)] for unit in assigned},
        observed=observed,
        targets={},
    )
    return {
        (unit, one.period.frequency, one.period.start): one
        for unit, periods in evaluate(inputs, dict.fromkeys(TREE)).items()
        for one in periods
    }


@pytest.mark.parametrize(
    ("rule", "value"),
    [("sum", 9), ("last", 4), ("mean", 3), ("min", 2), ("max", 4), ("none", None), ("pooled_ratio", None)],
)
def test_plain_numbers_follow_the_rule(rule: Aggregation, value: int | None) -> None:
    amount = pooled([Amount(Decimal(one)) for one in (2, 3, 4)], rule, None)

    assert (amount.value if amount else None) == value


@pytest.mark.parametrize(
    ("rule", "value"), [("pooled_ratio", 19), ("sum", 19), ("mean", 19), ("last", 10), ("min", 10), ("max", 100)]
)
def test_a_ratio_is_made_from_its_sums_and_never_a_mean_of_percentages(rule: Aggregation, value: int) -> None:
    parts = [Amount(Decimal(100), Decimal(10), Decimal(10)), Amount(Decimal(10), Decimal(9), Decimal(90))]

    amount = pooled(parts, rule, Decimal(100))

    assert amount is not None
    assert amount.value == value


def test_nothing_pools_to_nothing() -> None:
    assert pooled([], "sum", None) is None


@pytest.mark.parametrize(("statuses", "status"), [("AAA", "A"), ("AEA", "E"), ("APE", "P"), ("AB", "A"), ("", "A")])
def test_an_aggregate_is_as_provisional_as_its_parts(statuses: list[ObsStatus], status: ObsStatus) -> None:
    assert combined(statuses) == status


@pytest.mark.parametrize(("number", "text"), [("1.50", "1.5"), ("0.1234567890125", "0.123456789012"), ("3E+2", "300")])
def test_a_computed_number_is_rounded_once_half_even_without_trailing_zeros(number: str, text: str) -> None:
    assert str(told(Decimal(number))) == text


def test_a_number_too_large_to_publish_is_not_told() -> None:
    assert told(Decimal(10) ** 18) is None


def test_missing_is_not_zero() -> None:
    results = evaluated({A: {APRIL: said("0")}, B: {APRIL: said(None, "O", "system_down")}, C: {APRIL: said("5")}})

    zero, missing, total = (results[unit, "month", APRIL] for unit in (A, B, NATION))
    assert (in_short(zero), zero.obs_status) == ("0 from 1 of 1", "A")
    assert (missing.value, missing.obs_status, missing.missing_reason) == (None, "O", "system_down")
    assert (missing.status, missing.status_rule, missing.expected) == ("no_information", "no_value", 1)
    assert in_short(total) == "5 from 2 of 3"


def test_the_mean_of_units_leaves_the_missing_ones_out() -> None:
    results = evaluated({A: {APRIL: said("4")}, C: {APRIL: said("0")}}, Rules("mean", "mean"))

    assert results[NATION, "month", APRIL].value == 2


def test_not_applicable_is_left_out_of_what_is_expected() -> None:
    results = evaluated({A: {APRIL: said(None, "M", "no_such_service")}, B: {APRIL: said("2")}})

    own, region = results[A, "month", APRIL], results[REGION, "month", APRIL]
    assert (own.status, own.status_rule, own.expected) == ("not_expected", "not_applicable", 0)
    assert (own.obs_status, own.missing_reason) == ("M", "no_such_service")
    assert in_short(region) == "2 from 1 of 1"


@pytest.mark.parametrize(
    ("observed", "unit", "month", "missing"),
    [
        ({}, A, MAY, ("O", "not_reported")),
        ({}, REGION, MAY, ("O", "not_reported")),
        ({A: "system_down", B: "system_down"}, REGION, MAY, ("O", "system_down")),
        ({A: "system_down", B: "withdrawn"}, REGION, MAY, ("O", "not_reported")),
        ({A: "system_down"}, REGION, MAY, ("O", "not_reported")),
    ],
)  # fmt: skip
def test_an_expected_unit_without_a_number_is_missing_for_a_reason(
    observed: Mapping[UUID, str], unit: UUID, month: date, missing: tuple[str, str]
) -> None:
    said_so = {one: {month: said(None, "O", reason)} for one, reason in observed.items()}
    one = evaluated({C: {APRIL: said("1")}, **said_so})[unit, "month", month]

    assert (one.value, one.status_rule) == (None, "no_value")
    assert (one.obs_status, one.missing_reason) == missing


def test_a_parent_that_is_silent_itself_is_not_spoken_for_by_those_below() -> None:
    observed = {unit: {APRIL: said(None, "O", "system_down")} for unit in (A, B)}
    region = evaluated(observed, assigned=(REGION, A, B))[REGION, "month", APRIL]

    assert (region.expected, region.missing_reason) == (3, "not_reported")


def test_a_longer_period_has_the_reason_only_if_it_holds_throughout() -> None:
    down = said(None, "O", "system_down")
    results = evaluated({A: dict.fromkeys((APRIL, MAY, JUNE), down), B: {APRIL: down}, C: {APRIL: said("1")}})

    assert results[A, "quarter", APRIL].missing_reason == "system_down"
    assert results[B, "quarter", APRIL].missing_reason == "not_reported"


@pytest.mark.parametrize("unit", [A, REGION])
def test_where_nothing_is_expected_nor_said_there_is_nothing(unit: UUID) -> None:
    results = evaluated({C: {APRIL: said("1")}}, assigned=(C,))

    assert [key for key in results if key[0] == unit] == []


@pytest.mark.parametrize("unit", [A, REGION])
def test_what_is_missing_where_nothing_is_expected_cannot_exist(unit: UUID) -> None:
    observed = {A: {APRIL: said(None, "O", "lost")}, C: {APRIL: said("1")}}
    one = evaluated(observed, assigned=(C,))[unit, "month", APRIL]

    assert (one.obs_status, one.missing_reason, one.status) == ("M", "not_expected", "not_expected")


def test_what_is_applicable_nowhere_below_is_not_applicable_above() -> None:
    observed = {unit: {APRIL: said(None, "M", "no_such_service")} for unit in (A, B)}
    region = evaluated(observed, assigned=(A, B))[REGION, "month", APRIL]

    assert (region.obs_status, region.missing_reason) == ("M", "no_such_service")


def test_what_makes_no_number_says_so() -> None:
    apart = evaluated({A: {APRIL: said("1")}}, Rules("sum", "none"))[REGION, "month", APRIL]
    too_large = evaluated({unit: {APRIL: said("9e17")} for unit in (A, B)})[REGION, "month", APRIL]

    assert (apart.value, apart.obs_status, apart.missing_reason) == (None, "M", "not_computable")
    assert (too_large.value, too_large.obs_status, too_large.missing_reason) == (None, "M", "not_computable")


def test_who_is_not_assigned_is_not_expected() -> None:
    ended = {A: Span(date(2017, 1, 1), date(2018, 4, 30))}
    results = evaluated({A: {APRIL: said("1")}, B: {MAY: said("2")}}, spans=ended, last=MAY)

    assert results[A, "month", APRIL].status_rule == "no_target"
    assert (A, "month", MAY) not in results
    assert results[REGION, "month", MAY].expected == 1


def test_a_silent_unit_is_missing_in_every_period_that_others_reported() -> None:
    results = evaluated({A: {APRIL: said("1"), JUNE: said("1")}}, last=JUNE)

    for start in (APRIL, MAY, JUNE):
        assert results[C, "month", start].status_rule == "no_value"


def test_coverage_of_longer_periods_counts_unit_months() -> None:
    results = evaluated({A: {APRIL: said("1"), MAY: said("1")}, B: {APRIL: said("1")}, C: {JUNE: said("1")}})

    for frequency in ("quarter", "year", "record"):
        one = results[NATION, frequency, APRIL]
        assert in_short(one) == "4 from 4 of 9"


def test_a_units_own_value_wins_over_pooling_and_is_counted_once() -> None:
    observed = {A: {APRIL: said("1")}, B: {APRIL: said("2")}, REGION: {APRIL: said("10")}, C: {APRIL: said("5")}}
    results = evaluated(observed, assigned=(REGION, A, B, C))

    assert results[REGION, "month", APRIL].value == 10
    nation = results[NATION, "month", APRIL]
    assert in_short(nation) == "15 from 4 of 4"


def test_a_parent_that_reports_in_some_months_is_pooled_in_the_others() -> None:
    observed = {REGION: {APRIL: said("10")}, A: {APRIL: said("1"), MAY: said("3")}, B: {MAY: said("4")}}
    results = evaluated(observed, last=MAY)

    assert results[REGION, "month", MAY].value == 7
    assert results[NATION, "quarter", APRIL].value == 17


def test_a_stock_is_the_last_one_of_each_unit_summed_over_units() -> None:
    observed = {A: {APRIL: said("1"), MAY: said("2")}, B: {APRIL: said("4")}}
    results = evaluated(observed, Rules("last", "sum"), last=MAY)

    assert results[REGION, "quarter", APRIL].value == 6


def test_what_was_reported_keeps_its_digits_and_what_was_computed_does_not() -> None:
    results = evaluated({A: {APRIL: said("1.50")}})

    assert str(results[A, "month", APRIL].value) == "1.50"
    assert str(results[REGION, "month", APRIL].value) == "1.5"


def test_units_that_do_not_add_up_have_no_total() -> None:
    results = evaluated({A: {APRIL: said("1")}}, Rules("sum", "none"))

    assert results[REGION, "month", APRIL].value is None
    assert results[A, "quarter", APRIL].value == 1


def test_a_total_is_provisional_while_a_part_is() -> None:
    results = evaluated({A: {APRIL: said("1", "P")}, B: {APRIL: said("1", "B")}})

    assert results[B, "month", APRIL].obs_status == "B"
    assert results[REGION, "month", APRIL].obs_status == "P"
    assert results[C, "month", APRIL].obs_status == "O"


def test_the_record_begins_with_the_units_first_period() -> None:
    late = {C: Span(MAY)}
    results = evaluated({A: {APRIL: said("1")}, C: {JUNE: said("1")}}, spans=late)

    assert (NATION, "record", APRIL) in results
    assert (C, "record", MAY) in results
    assert (C, "record", APRIL) not in results


def test_a_pooled_percentage_weighs_by_its_denominators() -> None:
    results = evaluated(
        {A: {APRIL: share(9, 10)}, B: {APRIL: share(0, 90)}}, Rules("pooled_ratio", "pooled_ratio", Decimal(100))
    )

    region = results[REGION, "month", APRIL]
    assert [region.value, region.numerator, region.denominator] == [9, 9, 100]


def test_what_is_wanted_is_evaluated_as_if_all_were() -> None:
    observed = {A: {APRIL: said("1"), MAY: said("2")}, C: {JUNE: said("3")}}
    whole = evaluated(observed)
    inputs = Inputs(
        calendar=FiscalCalendar(start_month=4),
        frequency="month",
        rules=SUMS,
        first=APRIL,
        last=JUNE,
        places={unit: Place(parent, ALWAYS) for unit, parent in TREE.items()},
        assigned={unit: [ALWAYS] for unit in (A, B, C)},
        observed=observed,
        targets={},
    )

    some = evaluate(inputs, {NATION: Asked(frozenset({MAY}))})[NATION]

    assert [(one.period.frequency, one.period.start) for one in some] == [
        ("quarter", APRIL),
        ("year", APRIL),
        ("record", APRIL),
        ("month", MAY),
    ]
    assert all(whole[NATION, one.period.frequency, one.period.start] == one for one in some)
    assert Period(MAY, "month") in [one.period for one in some]
