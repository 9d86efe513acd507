"""Surveys and their versions, which nobody can change once they are published."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE feedback.survey (
        id uuid NOT NULL,
        code text NOT NULL,
        title jsonb NOT NULL,
        notice jsonb,
        state text NOT NULL,
        threshold integer NOT NULL,
        unit_id uuid NOT NULL,
        published_version integer,
        version bigint NOT NULL,
        CONSTRAINT survey_pkey PRIMARY KEY (id),
        CONSTRAINT survey_code_key UNIQUE (code),
        CONSTRAINT survey_code CHECK (code ~ '^[A-Za-z0-9._-]{1,64}$'),
        CONSTRAINT survey_state CHECK (state in ('draft', 'open', 'closed')),
        CONSTRAINT survey_threshold CHECK (threshold between 10 and 1000000),
        CONSTRAINT survey_open_means_published CHECK (state = 'draft' or published_version is not null)
    )
    """,
    "CREATE INDEX survey_unit_id_idx ON feedback.survey (unit_id)",
    """
    CREATE TABLE feedback.survey_version (
        survey_id uuid NOT NULL,
        number integer NOT NULL,
        unit_id uuid NOT NULL,
        introduction jsonb,
        languages jsonb NOT NULL,
        questions jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz,
        CONSTRAINT survey_version_pkey PRIMARY KEY (survey_id, number),
        CONSTRAINT survey_version_survey_id_fkey FOREIGN KEY (survey_id) REFERENCES feedback.survey (id),
        CONSTRAINT survey_version_number CHECK (number >= 1),
        CONSTRAINT survey_version_questions CHECK (jsonb_typeof(questions) = 'array'),
        CONSTRAINT survey_version_languages CHECK (jsonb_typeof(languages) = 'array')
    )
    """,
    """
    CREATE FUNCTION feedback.refuse_change_of_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a published survey version is never changed' USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER published_version_is_never_changed BEFORE UPDATE OR DELETE ON feedback.survey_version
    FOR EACH ROW WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION feedback.refuse_change_of_published_version()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
