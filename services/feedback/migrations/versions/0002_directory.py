"""Copies of the body, its units and its indicators; and answers remembered for an Idempotency-Key."""

from alembic import op

from shared.http.ddl import idempotency_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    idempotency_table("feedback"),
    """
    CREATE TABLE feedback.body (
        id uuid NOT NULL,
        slug text NOT NULL,
        name jsonb NOT NULL,
        default_language text NOT NULL,
        time_zone text NOT NULL,
        root_unit_id uuid NOT NULL,
        version bigint NOT NULL,
        CONSTRAINT body_pkey PRIMARY KEY (id)
    )
    """,
    # Deferred: two units may trade codes in one batch of events.
    """
    CREATE TABLE feedback.unit (
        id uuid NOT NULL,
        code text NOT NULL,
        name jsonb NOT NULL,
        parent_id uuid,
        level text NOT NULL,
        valid_from date NOT NULL,
        valid_to date,
        version bigint NOT NULL,
        CONSTRAINT unit_pkey PRIMARY KEY (id),
        CONSTRAINT unit_code_key UNIQUE (code) DEFERRABLE INITIALLY DEFERRED
    )
    """,
    "CREATE INDEX unit_parent_id_idx ON feedback.unit (parent_id)",
    """
    CREATE TABLE feedback.indicator (
        id uuid NOT NULL,
        code text NOT NULL,
        name jsonb NOT NULL,
        disclosure_class text NOT NULL,
        frequency text NOT NULL,
        decimals integer NOT NULL,
        version bigint NOT NULL,
        CONSTRAINT indicator_pkey PRIMARY KEY (id),
        CONSTRAINT indicator_code_key UNIQUE (code) DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT indicator_disclosure_class CHECK (disclosure_class in ('open', 'internal', 'confidential'))
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
