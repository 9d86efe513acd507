"""Remembered answers, the dirty list, the body, its units and its calendars."""

from alembic import op

from shared.http.ddl import idempotency_table

revision = "0002"
down_revision = "0001"

_CODE = "code ~ '^[A-Za-z0-9._-]{1,64}$' and code !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$'"

STATEMENTS = (
    idempotency_table("goals"),
    """
    create table goals.dirty (
        id bigint generated always as identity primary key,
        indicator_id uuid,
        unit_id uuid,
        disaggregation jsonb,
        frequency text check (frequency in ('month', 'quarter', 'year', 'record')),
        period_start date,
        cause_event_id uuid,
        cause_depth integer not null check (cause_depth >= 0),
        failures integer not null check (failures >= 0),
        not_before timestamptz,
        check ((frequency is null) = (period_start is null))
    )
    """,
    f"""
    create table goals.calendar (
        id uuid primary key,
        code text not null constraint calendar_code_key unique check ({_CODE}),
        name jsonb not null check (jsonb_typeof(name) = 'object'),
        start_month integer not null check (start_month between 1 and 12),
        label_rule text not null check (label_rule in ('start_year', 'end_year', 'both_years')),
        time_zone text not null,
        version bigint not null check (version >= 1)
    )
    """,
    f"""
    create table goals.unit (
        id uuid primary key,
        code text not null constraint unit_code_key unique check ({_CODE}),
        name jsonb not null check (jsonb_typeof(name) = 'object'),
        parent_id uuid references goals.unit (id),
        level text not null check (level ~ '^[a-z][a-z0-9_]{{0,63}}$'),
        valid_from date not null,
        valid_to date,
        version bigint not null check (version >= 1),
        check (parent_id <> id),
        check (valid_to >= valid_from)
    )
    """,
    "create index unit_parent_id_idx on goals.unit (parent_id)",
    """
    create table goals.body (
        id uuid primary key,
        "only" boolean not null constraint body_only_key unique check ("only"),
        slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
        name jsonb not null check (jsonb_typeof(name) = 'object'),
        default_language text not null,
        time_zone text not null,
        root_unit_id uuid not null references goals.unit (id),
        version bigint not null check (version >= 1)
    )
    """,
)


def upgrade() -> None:
    """Create them."""
    for statement in STATEMENTS:
        op.execute(statement)
