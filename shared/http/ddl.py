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
