"""The edition of the directory: another one after each statement that may have changed it, whoever wrote it."""

from alembic import op

revision = "0008"
down_revision = "0007"

_TABLES = ("body", "unit", "calendar", "indicator", "assignment", "survey")

STATEMENTS = (
    # One row, and at random: a directory that is dropped and rebuilt never comes back to an edition it had before.
    """
    create table reporting_read.directory_edition (
        single boolean primary key default true check (single),
        edition uuid not null default gen_random_uuid()
    )
    """,
    "insert into reporting_read.directory_edition default values",
    """
    create function reporting_read.another_edition() returns trigger language plpgsql as $$
    begin
        update reporting_read.directory_edition set edition = gen_random_uuid();
        return null;
    end
    $$
    """,
    *(
        f"""
        create trigger another_edition after insert or update or delete or truncate on reporting_read.{table}
            for each statement execute function reporting_read.another_edition()
        """
        for table in _TABLES
    ),
)


def upgrade() -> None:
    """Create it."""
    for statement in STATEMENTS:
        op.execute(statement)
