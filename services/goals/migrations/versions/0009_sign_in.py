"""Who is signing in, and who is signed in, with a browser."""

from alembic import op

from shared.http.ddl import sign_in_tables

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for statement in sign_in_tables("goals"):
        op.execute(statement)
