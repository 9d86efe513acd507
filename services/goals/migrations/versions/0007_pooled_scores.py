"""What was taken of each cell, so that all cells that feed one indicator of one unit are pooled."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    """
    alter table goals.score_intake
        add column taken_numerator numeric
            constraint score_intake_taken_numerator_check
            check (scale(taken_numerator) <= 12 and abs(taken_numerator) < 1e18),
        add column taken_denominator numeric
            constraint score_intake_taken_denominator_check
            check (scale(taken_denominator) <= 12 and taken_denominator > 0 and taken_denominator < 1e18)
    """,
    # Until now a cell was taken as if it were the only one, so the newest measurement made of a score is what it said.
    """
    update goals.score_intake intake
    set taken_numerator = made.numerator, taken_denominator = made.denominator
    from (
        select distinct on (s.indicator_id, s.unit_id, m.frequency, m.period_start)
            s.indicator_id, s.unit_id, m.frequency, m.period_start, m.numerator, m.denominator
        from goals.measurement m join goals.series s on s.id = m.series_id
        where m.source = 'feedback' and s.disaggregation = '{}'
        order by s.indicator_id, s.unit_id, m.frequency, m.period_start, m.vintage desc
    ) made
    where intake.taken_release > 0
        and (made.indicator_id, made.unit_id, made.frequency, made.period_start)
            = (intake.indicator_id, intake.unit_id, intake.frequency, intake.period_start)
        and 1 = (
            select count(*) from goals.score_intake other
            where (other.indicator_id, other.unit_id, other.frequency, other.period_start)
                = (intake.indicator_id, intake.unit_id, intake.frequency, intake.period_start)
        )
    """,
    # One row a question, unit and month: the index is made within a moment.
    """
    -- squawk-ignore require-concurrent-index-creation
    create index score_intake_series_idx
        on goals.score_intake (indicator_id, unit_id, frequency, period_start)
    """,
)


def upgrade() -> None:
    """Add them."""
    for statement in STATEMENTS:
        op.execute(statement)
