"""What makes a log provable and mendable, as SQL: witnesses, anchors, erasure, and logs that were left behind."""

_FOLLOWER = """
create table {schema}.follower (
    consumer text primary key,
    principal uuid not null,
    log_id uuid,
    position bigint not null constraint follower_position check (position >= 0),
    hash bytea constraint follower_hash check (octet_length(hash) = 32),
    asked_at timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
"""
_ANCHOR = """
create table {schema}.anchor (
    log_id uuid not null,
    position bigint not null constraint anchor_position check (position >= 0),
    hash bytea not null constraint anchor_hash check (octet_length(hash) = 32),
    anchored_at timestamptz not null,
    signed text not null,
    primary key (log_id, position)
)
"""
_ANCHOR_RIGHTS = (
    "revoke all on {schema}.anchor from public, {schema}",
    "grant select, insert on {schema}.anchor to {schema}",
)
_LEFT = "alter table {schema}.progress add column left_at timestamptz"
_BEGINS = "alter table {schema}.cursor add column begins bigint default 0"
# The outbox holds what this very transaction says: an erasure that is not told to the others cannot be done.
_REFUSE = """
create or replace function {schema}.event_log_is_append_only() returns trigger language plpgsql
set search_path = pg_catalog as $$
begin
    if tg_op = 'UPDATE' and exists (
        select from {schema}.outbox
        where type = 'steward.{schema}.data.erased.v1' and xmin = pg_current_xact_id()::xid
    ) then
        return null;
    end if;
    raise exception 'the event log is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end
$$
"""
_ONLY_ERASE = """
create function {schema}.event_log_only_erases() returns trigger language plpgsql set search_path = pg_catalog as $$
declare
    erased {schema}.event_log := old;
begin
    erased.data := null;
    erased.actor := null;
    erased.salt := null;
    if new is distinct from erased or not exists (
        select from {schema}.outbox
        where type = 'steward.{schema}.data.erased.v1' and xmin = pg_current_xact_id()::xid
            and data::jsonb -> 'events' @> jsonb_build_array(jsonb_build_object('position', old.position, 'id', old.id))
    ) then
        raise exception 'the event log is append-only: position % can only be erased, and must be told of', old.position
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$
"""
_TRIGGER = """
create trigger event_log_only_erases before update on {schema}.event_log
    for each row execute function {schema}.event_log_only_erases()
"""


def integrity(schema: str) -> list[str]:
    """The statements that add this to the event path of a service, whose login role has the name of the schema."""
    statements = (_FOLLOWER, _ANCHOR, *_ANCHOR_RIGHTS, _LEFT, _BEGINS, _REFUSE, _ONLY_ERASE, _TRIGGER)
    return [statement.format(schema=schema).strip() for statement in statements]
