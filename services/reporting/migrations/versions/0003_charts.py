"""Control charts as they were last drawn."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of charts."""
    op.execute(
        """
        create table reporting_read.chart (
            result_id uuid not null,
            frequency text not null check (frequency in ('month', 'quarter', 'year')),
            variation text check (variation in ('common', 'improvement_high', 'improvement_low', 'concern_high',
                'concern_low', 'neutral_high', 'neutral_low')),
            assurance text check (assurance in ('consistent_pass', 'consistent_fail', 'inconsistent')),
            starts jsonb not null,
            drawn jsonb not null,
            rule_set jsonb not null,
            primary key (result_id, frequency)
        )
        """
    )
