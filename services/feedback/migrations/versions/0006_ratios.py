"""Whether an indicator is a ratio, as everything must be that a score can feed."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE feedback.indicator ADD COLUMN is_ratio boolean")
