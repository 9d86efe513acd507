"""Indicators and assignments."""

from alembic import op

revision = "0003"
down_revision = "0002"

_CODE = "code ~ '^[A-Za-z0-9._-]{1,64}$' and code !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$'"

STATEMENTS = (
    f"""
    create table goals.indicator (
        id uuid primary key,
        code text not null constraint indicator_code_key unique check ({_CODE}),
        name jsonb not null check (jsonb_typeof(name) = 'object'),
        definition jsonb not null check (jsonb_typeof(definition) = 'object'),
        notice jsonb check (jsonb_typeof(notice) = 'object'),
        direction text not null check (direction in ('increase', 'decrease', 'neutral')),
        unit_of_measure jsonb not null check (jsonb_typeof(unit_of_measure) = 'object'),
        decimals integer not null check (decimals between 0 and 12),
        ratio_numerator jsonb check (jsonb_typeof(ratio_numerator) = 'object'),
        ratio_denominator jsonb check (jsonb_typeof(ratio_denominator) = 'object'),
        ratio_factor numeric check (ratio_factor > 0 and scale(ratio_factor) <= 12 and ratio_factor < 1e18),
        aggregation_over_time text not null
            check (aggregation_over_time in ('sum', 'last', 'mean', 'min', 'max', 'pooled_ratio', 'none')),
        aggregation_over_units text not null
            check (aggregation_over_units in ('sum', 'last', 'mean', 'min', 'max', 'pooled_ratio', 'none')),
        disclosure_class text not null check (disclosure_class in ('open', 'internal', 'confidential')),
        calendar_id uuid not null references goals.calendar (id),
        frequency text not null check (frequency in ('month', 'quarter', 'year')),
        version bigint not null check (version >= 1),
        check (num_nonnulls(ratio_numerator, ratio_denominator, ratio_factor) in (0, 3))
    )
    """,
    """
    create table goals.assignment (
        id uuid primary key,
        indicator_id uuid not null references goals.indicator (id),
        unit_id uuid not null references goals.unit (id),
        valid_from date not null,
        valid_to date,
        version bigint not null check (version >= 1),
        constraint assignment_indicator_unit_valid_from_key unique (indicator_id, unit_id, valid_from),
        check (valid_to >= valid_from)
    )
    """,
    "create index assignment_unit_id_idx on goals.assignment (unit_id)",
)


def upgrade() -> None:
    """Create them."""
    for statement in STATEMENTS:
        op.execute(statement)
