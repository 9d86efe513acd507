"""The SQL that migrations of every service run for the tables of shared.http."""


def idempotency_table(schema: str) -> str:
    """One statement that makes the table of remembered answers."""
    return f"""
create table {schema}.idempotency (
    principal uuid not null,
    route text not null check (length(route) <= 2000),
    key text not null check (length(key) between 1 and 255),
    request_digest bytea not null check (length(request_digest) = 32),
    status integer not null check (status between 100 and 599),
    headers jsonb not null,
    body bytea not null,
    expires_at timestamptz not null,
    constraint idempotency_pkey primary key (principal, route, key)
)"""


def sign_in_tables(schema: str) -> tuple[str, ...]:
    """The statements that make the tables of those who sign in and are signed in with a browser."""
    return (
        f"""
create table {schema}.sign_in (
    state_digest bytea not null check (length(state_digest) = 32),
    browser_digest bytea not null check (length(browser_digest) = 32),
    nonce text not null check (length(nonce) <= 100),
    verifier text not null check (length(verifier) between 43 and 128),
    next text not null check (length(next) <= 2000),
    expires_at timestamptz not null,
    constraint sign_in_pkey primary key (state_digest)
)""",
        f"""
create table {schema}.page_session (
    id_digest bytea not null check (length(id_digest) = 32),
    principal uuid not null,
    issuer text not null,
    subject text not null,
    name text check (length(name) between 1 and 200),
    grants jsonb not null,
    sealed text not null check (length(sealed) <= 40000),
    token_ends_at timestamptz not null,
    seen_at timestamptz not null,
    ends_at timestamptz not null,
    constraint page_session_pkey primary key (id_digest)
)""",
    )


def session_renewal(schema: str) -> str:
    """The statement that adds until when the tokens of a session are being renewed by somebody."""
    return f"alter table {schema}.page_session add column renewing_until timestamptz"
