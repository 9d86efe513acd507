"""The tables of the event path as SQL, for the first migration of each service."""

from shared.messaging.outbox import LARGEST_EVENT

_OUTBOX = """
create table {schema}.outbox (
    id bigint generated always as identity primary key,
    event_id uuid not null,
    type text not null,
    subject uuid not null,
    subject_version bigint not null,
    "time" timestamptz not null,
    data text not null constraint outbox_data_fits check (octet_length(data) <= {largest}),
    actor text,
    causation_id uuid,
    causation_depth integer not null default 0 constraint outbox_depth check (causation_depth between 0 and 8),
    traceparent text
) with (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 5000
)
"""
_LOG_HEAD = """
create table {schema}.log_head (
    log_id uuid primary key,
    position bigint not null constraint log_head_position check (position >= 0),
    hash bytea not null constraint log_head_hash check (octet_length(hash) = 32),
    recorded_at timestamptz not null
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
"""
# The only unique key is the position, so that the log can be partitioned by ranges of it later.
_EVENT_LOG = """
create table {schema}.event_log (
    position bigint primary key constraint event_log_position check (position > 0),
    log_id uuid not null,
    id uuid not null,
    type text not null,
    subject uuid not null,
    subject_version bigint not null,
    "time" timestamptz not null,
    recorded_at timestamptz not null,
    data text constraint event_log_data_fits check (octet_length(data) <= {largest}),
    actor text,
    salt bytea constraint event_log_salt check (octet_length(salt) = 32),
    data_digest bytea not null constraint event_log_data_digest check (octet_length(data_digest) = 32),
    actor_digest bytea not null constraint event_log_actor_digest check (octet_length(actor_digest) = 32),
    causation_id uuid,
    causation_depth integer not null constraint event_log_depth check (causation_depth between 0 and 8),
    traceparent text,
    hash_version integer not null,
    previous bytea not null constraint event_log_previous check (octet_length(previous) = 32),
    hash bytea not null constraint event_log_hash check (octet_length(hash) = 32)
)
"""
_EVENT_LOG_BY_ID = "create index ix_{schema}_event_log_id on {schema}.event_log (id)"
_REFUSE = """
create function {schema}.event_log_is_append_only() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    raise exception 'the event log is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end
$$
"""
_TRIGGER = """
create trigger event_log_is_append_only before update or delete or truncate on {schema}.event_log
    for each statement execute function {schema}.event_log_is_append_only()
"""
_PROGRESS = """
create table {schema}.progress (
    consumer text not null,
    log_id uuid not null,
    source text not null,
    position bigint not null constraint progress_position check (position >= 0),
    hash bytea not null constraint progress_hash check (octet_length(hash) = 32),
    recorded_at timestamptz not null,
    types text[] not null,
    primary key (consumer, log_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
"""
_DEAD_LETTER = """
create table {schema}.dead_letter (
    consumer text not null,
    log_id uuid not null,
    position bigint not null,
    event_id uuid not null,
    type text not null,
    subject uuid not null,
    subject_version bigint not null,
    envelope text not null,
    reason text not null,
    set_aside_at timestamptz not null,
    resolved_at timestamptz,
    primary key (consumer, log_id, position)
)
"""
_CURSOR = """
create table {schema}.cursor (
    name text primary key,
    position bigint not null constraint cursor_position check (position >= 0),
    hash bytea not null constraint cursor_hash check (octet_length(hash) = 32),
    holder uuid,
    held_until timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
"""
# gen_random_uuid: the log's id must differ from that of every other log, also of one made at the same moment.
_FIRST_HEAD = """
insert into {schema}.log_head (log_id, position, hash, recorded_at)
values (gen_random_uuid(), 0, decode(repeat('00', 32), 'hex'), timestamptz '1970-01-01 00:00:00+00')
"""
# The login role has the name of the schema; it adds to the log and reads it, and moves the one head there is.
_RIGHTS = (
    "revoke all on {schema}.event_log, {schema}.log_head from public, {schema}",
    "grant select, insert on {schema}.event_log to {schema}",
    "grant select, update on {schema}.log_head to {schema}",
)


def event_path_tables(schema: str) -> list[str]:
    """The statements that make the event path in a service's schema, whose login role has the same name."""
    statements = (
        _OUTBOX,
        _LOG_HEAD,
        _EVENT_LOG,
        _EVENT_LOG_BY_ID,
        _REFUSE,
        _TRIGGER,
        _PROGRESS,
        _DEAD_LETTER,
        _CURSOR,
        _FIRST_HEAD,
        *_RIGHTS,
    )
    return [statement.format(schema=schema, largest=LARGEST_EVENT).strip() for statement in statements]
