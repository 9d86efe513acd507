-- One schema of a service, in the service's database: {schema} of {service}.
create schema if not exists {schema} authorization {service}_owner;
grant usage on schema {schema} to {service};

-- What the owner creates later, its login may use, but never alter; 0001 takes more away from event_log.
alter default privileges for role {service}_owner in schema {schema}
    grant select, insert, update, delete on tables to {service};
alter default privileges for role {service}_owner in schema {schema}
    grant usage, select on sequences to {service};
