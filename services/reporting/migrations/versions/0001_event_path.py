"""The event path: outbox, log, progress, dead letters, cursor."""

from alembic import op

from shared.messaging.ddl import event_path_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in event_path_tables("reporting"):
        op.execute(statement)
