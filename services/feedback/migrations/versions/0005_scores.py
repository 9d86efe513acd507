"""What the answers add up to."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE feedback.fold (
        survey_id uuid NOT NULL,
        CONSTRAINT fold_pkey PRIMARY KEY (survey_id),
        CONSTRAINT fold_survey_id_fkey FOREIGN KEY (survey_id) REFERENCES feedback.survey (id)
    )
    """,
    """
    CREATE TABLE feedback.score_cell (
        id uuid NOT NULL,
        survey_id uuid NOT NULL,
        question_id text NOT NULL,
        unit_id uuid NOT NULL,
        frequency text NOT NULL,
        period_start date NOT NULL,
        indicator_id uuid,
        options jsonb NOT NULL,
        count bigint NOT NULL,
        scored bigint NOT NULL,
        total numeric NOT NULL,
        squares numeric NOT NULL,
        late bigint NOT NULL DEFAULT 0,
        final boolean NOT NULL DEFAULT false,
        release bigint NOT NULL DEFAULT 0,
        released_at timestamptz,
        released_count bigint NOT NULL DEFAULT 0,
        released_scored bigint NOT NULL DEFAULT 0,
        released_total numeric NOT NULL DEFAULT 0,
        CONSTRAINT score_cell_pkey PRIMARY KEY (id),
        CONSTRAINT score_cell_survey_id_fkey FOREIGN KEY (survey_id) REFERENCES feedback.survey (id),
        CONSTRAINT score_cell_key UNIQUE (survey_id, question_id, unit_id, frequency, period_start),
        CONSTRAINT score_cell_frequency CHECK (frequency = 'month'),
        CONSTRAINT score_cell_scored CHECK (scored between 0 and count),
        CONSTRAINT score_cell_released CHECK (released_count between 0 and count),
        CONSTRAINT score_cell_release CHECK ((release = 0) = (released_at is null)),
        CONSTRAINT score_cell_late CHECK (late >= 0)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
