"""Copies of units, calendars, indicators, assignments and surveys; results with their values."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DECIMAL = "check (scale({0}) <= 12 and abs({0}) < 1e18)"
_FREQUENCY = "check (frequency in ('month', 'quarter', 'year', 'record'))"

TABLES = (
    """
    create table reporting_read.body (
        id uuid primary key,
        slug text not null,
        name jsonb not null,
        default_language text not null,
        time_zone text not null,
        root_unit_id uuid not null,
        version bigint not null
    )
    """,
    """
    create table reporting_read.unit (
        id uuid primary key,
        code text not null,
        name jsonb not null,
        parent_id uuid,
        level text not null,
        valid_from date not null,
        valid_to date,
        search text not null,
        sorting jsonb not null,
        version bigint not null
    )
    """,
    "create index unit_code on reporting_read.unit (code)",
    "create index unit_parent_id on reporting_read.unit (parent_id)",
    "create index unit_level on reporting_read.unit (level)",
    """
    create table reporting_read.calendar (
        id uuid primary key,
        code text not null,
        name jsonb not null,
        start_month integer not null check (start_month between 1 and 12),
        label_rule text not null check (label_rule in ('start_year', 'end_year', 'both_years')),
        time_zone text not null,
        version bigint not null
    )
    """,
    f"""
    create table reporting_read.indicator (
        id uuid primary key,
        code text not null,
        name jsonb not null,
        definition jsonb not null,
        notice jsonb,
        direction text not null check (direction in ('increase', 'decrease', 'neutral')),
        unit_of_measure jsonb not null,
        decimals integer not null,
        ratio_numerator jsonb,
        ratio_denominator jsonb,
        ratio_factor numeric {_DECIMAL.format("ratio_factor")},
        aggregation_over_time text not null,
        aggregation_over_units text not null,
        disclosure_class text not null check (disclosure_class in ('open', 'internal', 'confidential')),
        calendar_id uuid not null,
        frequency text not null {_FREQUENCY},
        version bigint not null
    )
    """,
    "create index indicator_code on reporting_read.indicator (code)",
    """
    create table reporting_read.assignment (
        id uuid primary key,
        indicator_id uuid not null,
        unit_id uuid not null,
        valid_from date not null,
        valid_to date,
        version bigint not null
    )
    """,
    "create index assignment_unit_id_indicator_id on reporting_read.assignment (unit_id, indicator_id)",
    """
    create table reporting_read.survey (
        id uuid primary key,
        code text not null,
        title jsonb not null,
        notice jsonb,
        state text not null check (state in ('draft', 'open', 'closed')),
        indicator_ids jsonb not null,
        version bigint not null
    )
    """,
    """
    create table reporting_read.result (
        result_id uuid primary key,
        series_id uuid,
        indicator_id uuid not null,
        unit_id uuid not null,
        disaggregation jsonb not null,
        inputs_version bigint not null,
        evaluated_at timestamptz not null,
        rule_set jsonb not null,
        version bigint not null
    )
    """,
    "create index result_unit_id_indicator_id on reporting_read.result (unit_id, indicator_id)",
    "create index result_indicator_id on reporting_read.result (indicator_id)",
    "create index result_series_id on reporting_read.result (series_id)",
    f"""
    create table reporting_read.result_value (
        result_id uuid not null,
        frequency text not null {_FREQUENCY},
        period_start date not null,
        indicator_id uuid not null,
        value numeric {_DECIMAL.format("value")},
        numerator numeric {_DECIMAL.format("numerator")},
        denominator numeric {_DECIMAL.format("denominator")},
        obs_status text not null check (obs_status in ('A', 'P', 'E', 'B', 'M', 'O')),
        missing_reason text,
        reported integer not null check (reported >= 0),
        expected integer not null check (expected >= 0),
        held_back integer not null check (held_back >= 0),
        target jsonb,
        target_inherited_from uuid,
        target_derived boolean not null,
        progress numeric {_DECIMAL.format("progress")},
        status text not null
            check (status in ('met', 'not_met', 'on_track', 'off_track', 'no_information', 'not_expected')),
        status_rule text not null,
        version bigint not null,
        primary key (result_id, frequency, period_start)
    )
    """,
    """
    create index result_value_latest on reporting_read.result_value (indicator_id, frequency, period_start)
    where value is not null
    """,
    f"""
    create table reporting_read.recorded_vintage (
        series_id uuid not null,
        frequency text not null {_FREQUENCY},
        period_start date not null,
        vintage integer not null check (vintage >= 1),
        source text not null check (source in ('reported', 'feedback')),
        primary key (series_id, frequency, period_start, vintage)
    )
    """,
)


def upgrade() -> None:
    """Create the read models."""
    for statement in TABLES:
        op.execute(statement)
