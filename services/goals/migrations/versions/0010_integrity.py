"""Witnesses, anchors, erasure, and logs that were left behind after a restore."""

from alembic import op

from shared.messaging.ddl_integrity import integrity

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for statement in integrity("goals"):
        op.execute(statement)
