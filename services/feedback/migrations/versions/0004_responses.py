"""Responses, and the queue of those that no score counts yet."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    # The version of an id by hand: uuid_extract_version came with PostgreSQL 17.
    """
    CREATE TABLE feedback.response (
        id uuid NOT NULL,
        survey_id uuid NOT NULL,
        version integer NOT NULL,
        language text NOT NULL,
        answers jsonb NOT NULL,
        day date NOT NULL,
        CONSTRAINT response_pkey PRIMARY KEY (id),
        CONSTRAINT response_id_is_random CHECK (get_byte(uuid_send(id), 6) >> 4 = 4),
        CONSTRAINT response_answers CHECK (jsonb_typeof(answers) = 'object')
    )
    """,
    # Every row lives for a moment: clean up by number of rows, not by a share of a table that is nearly always empty.
    """
    CREATE TABLE feedback.scoring_queue (
        survey_id uuid NOT NULL,
        response_id uuid NOT NULL,
        CONSTRAINT scoring_queue_pkey PRIMARY KEY (survey_id, response_id)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
