"""Measurements, vintage by vintage, and the released scores on their way to becoming some."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    """
    create table goals.measurement (
        id uuid primary key,
        series_id uuid not null references goals.series (id),
        frequency text not null check (frequency in ('month', 'quarter', 'year')),
        period_start date not null,
        vintage integer not null check (vintage >= 1),
        value numeric check (scale(value) <= 12 and abs(value) < 1e18),
        numerator numeric check (scale(numerator) <= 12 and abs(numerator) < 1e18),
        denominator numeric check (scale(denominator) <= 12 and denominator > 0 and denominator < 1e18),
        obs_status text not null check (obs_status in ('A', 'P', 'E', 'B', 'M', 'O')),
        missing_reason text check (missing_reason ~ '^[a-z][a-z0-9_]{0,63}$'),
        source text not null check (source in ('reported', 'feedback')),
        recorded_at timestamptz not null,
        recorded_by text not null,
        event_id uuid not null,
        cause_id uuid,
        constraint measurement_series_period_vintage_key unique (series_id, frequency, period_start, vintage),
        constraint measurement_cause_key unique (cause_id, series_id, frequency, period_start),
        check ((numerator is null) = (denominator is null)),
        check ((obs_status in ('M', 'O')) = (value is null)),
        check ((obs_status in ('M', 'O')) = (missing_reason is not null)),
        check (value is not null or numerator is null)
    )
    """,
    # A correction is a new vintage, a new target a new version: the service's login can add, never change.
    "revoke update, delete, truncate on goals.measurement, goals.target from goals",
    """
    create table goals.score_intake (
        cell_id uuid primary key,
        indicator_id uuid not null references goals.indicator (id),
        unit_id uuid not null references goals.unit (id),
        frequency text not null check (frequency in ('month', 'quarter', 'year')),
        period_start date not null,
        taken_release integer not null check (taken_release >= 0),
        taken_day date,
        closed boolean not null,
        pending_release integer check (pending_release > taken_release),
        pending_day date,
        numerator numeric check (scale(numerator) <= 12 and abs(numerator) < 1e18),
        denominator numeric check (scale(denominator) <= 12 and denominator > 0 and denominator < 1e18),
        cause_id uuid,
        cause_depth integer,
        check (num_nonnulls(pending_release, pending_day, numerator, denominator, cause_id, cause_depth) in (0, 6))
    )
    """,
    "create index score_intake_pending_day_idx on goals.score_intake (pending_day)",
)


def upgrade() -> None:
    """Create them."""
    for statement in STATEMENTS:
        op.execute(statement)
