"""Which request renews a session, so that no two do at the same time."""

from alembic import op

from shared.http.ddl import session_renewal

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute(session_renewal("goals"))
