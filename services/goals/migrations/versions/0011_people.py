"""Principals and the roles they are given."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    """
    create table goals.principal (
        id uuid primary key,
        issuer text not null check (issuer <> ''),
        subject text not null check (subject <> ''),
        kind text not null check (kind in ('person', 'system')),
        state text not null check (state in ('active', 'blocked')),
        recorded_at timestamptz not null,
        version bigint not null check (version >= 1),
        constraint principal_issuer_subject_key unique (issuer, subject)
    )
    """,
    """
    create table goals.role_assignment (
        id uuid primary key,
        principal_id uuid not null references goals.principal (id),
        role text not null check (role ~ '^[a-z][a-z_]{0,63}$'),
        unit_id uuid not null references goals.unit (id),
        valid_from date not null,
        valid_to date,
        withdrawn boolean not null,
        granted_by uuid,
        version bigint not null check (version >= 1),
        check (valid_to >= valid_from)
    )
    """,
    "create index role_assignment_principal_id_idx on goals.role_assignment (principal_id)",
    "create index role_assignment_unit_id_idx on goals.role_assignment (unit_id)",
)


def upgrade() -> None:
    """Create them."""
    for statement in STATEMENTS:
        op.execute(statement)
