"""Series and the versions of their targets."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    create table goals.series (
        id uuid primary key,
        indicator_id uuid not null references goals.indicator (id),
        unit_id uuid not null references goals.unit (id),
        disaggregation jsonb not null check (jsonb_typeof(disaggregation) = 'object'),
        version bigint not null check (version >= 0),
        constraint series_key unique (indicator_id, unit_id, disaggregation)
    )
    """,
    "create index series_unit_id_idx on goals.series (unit_id)",
    """
    create table goals.target (
        id uuid primary key,
        series_id uuid not null references goals.series (id),
        version integer not null check (version >= 1),
        type text not null check (type in ('increase_to', 'decrease_to', 'maintain_at_or_above',
            'maintain_at_or_below', 'range', 'milestone', 'undefined')),
        value numeric check (scale(value) <= 12 and abs(value) < 1e18),
        low numeric check (scale(low) <= 12 and abs(low) < 1e18),
        high numeric check (scale(high) <= 12 and abs(high) < 1e18 and high > low),
        baseline numeric check (scale(baseline) <= 12 and abs(baseline) < 1e18),
        baseline_frequency text check (baseline_frequency in ('month', 'quarter', 'year', 'record')),
        baseline_start date,
        milestone jsonb check (jsonb_typeof(milestone) = 'object'),
        valid_from date not null,
        valid_to date,
        applies_below boolean not null,
        reason text not null check (length(reason) between 1 and 2000),
        set_at timestamptz not null,
        set_by text not null,
        constraint target_series_version_key unique (series_id, version),
        check ((baseline_frequency is null) = (baseline_start is null)),
        check (valid_to >= valid_from)
    )
    """,
)


def upgrade() -> None:
    """Create them."""
    for statement in STATEMENTS:
        op.execute(statement)
