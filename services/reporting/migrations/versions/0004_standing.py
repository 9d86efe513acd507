"""How each part of the worker stands, for the status page."""

from alembic import op

from shared.messaging.standing import standing_table

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(standing_table("reporting"))
