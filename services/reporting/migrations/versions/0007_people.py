"""Copies of who is blocked, and of the roles that principals were given."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    """
    create table reporting.principal (
        id uuid primary key,
        kind text not null,
        state text not null,
        version bigint not null
    )
    """,
    """
    create table reporting.role_assignment (
        id uuid primary key,
        principal_id uuid not null,
        role text not null,
        unit_id uuid not null,
        valid_from date not null,
        valid_to date,
        withdrawn boolean not null,
        version bigint not null
    )
    """,
    "create index role_assignment_principal_id on reporting.role_assignment (principal_id)",
)


def upgrade() -> None:
    """Create them."""
    for statement in STATEMENTS:
        op.execute(statement)
