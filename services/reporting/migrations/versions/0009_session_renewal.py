"""Which request renews a session, so that no two do at the same time."""

from alembic import op

from shared.http.ddl import session_renewal

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(session_renewal("reporting"))
