"""Results: what goals makes of the numbers, per series and period."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    """
    create table goals.evaluated_reach (
        id uuid primary key,
        indicator_id uuid not null references goals.indicator (id),
        disaggregation jsonb not null check (jsonb_typeof(disaggregation) = 'object'),
        first date,
        last date,
        constraint evaluated_reach_key unique (indicator_id, disaggregation),
        check ((first is null) = (last is null) and first <= last)
    )
    """,
    """
    create table goals.result (
        id uuid primary key,
        indicator_id uuid not null references goals.indicator (id),
        unit_id uuid not null references goals.unit (id),
        disaggregation jsonb not null check (jsonb_typeof(disaggregation) = 'object'),
        series_id uuid,
        version bigint not null check (version >= 0),
        inputs_version bigint not null check (inputs_version >= 0),
        constraint result_key unique (indicator_id, unit_id, disaggregation)
    )
    """,
    "create index result_unit_id_idx on goals.result (unit_id)",
    """
    create table goals.result_value (
        result_id uuid not null references goals.result (id),
        frequency text not null check (frequency in ('month', 'quarter', 'year', 'record')),
        period_start date not null,
        value numeric check (scale(value) <= 12 and abs(value) < 1e18),
        numerator numeric check (scale(numerator) <= 12 and abs(numerator) < 1e18),
        denominator numeric check (scale(denominator) <= 12 and abs(denominator) < 1e18),
        obs_status text not null check (obs_status in ('A', 'P', 'E', 'B', 'M', 'O')),
        missing_reason text,
        reported integer not null check (reported >= 0),
        expected integer not null check (expected >= 0),
        held_back integer not null check (held_back >= 0),
        target jsonb check (jsonb_typeof(target) = 'object'),
        target_inherited_from uuid,
        target_derived boolean not null,
        progress numeric check (scale(progress) <= 12 and abs(progress) < 1e18),
        status text not null
            check (status in ('met', 'not_met', 'on_track', 'off_track', 'no_information', 'not_expected')),
        status_rule text not null,
        primary key (result_id, frequency, period_start),
        check (reported <= expected),
        check ((obs_status in ('M', 'O')) = (value is null)),
        check ((value is null) = (missing_reason is not null))
    )
    """,
)


def upgrade() -> None:
    """Create them."""
    for statement in STATEMENTS:
        op.execute(statement)
