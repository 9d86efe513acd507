-- The two roles of a service: the owner of its schema, who never logs in, and the login of its API and worker.
-- Run on any database of the server; {service} is the service's name.
do $$
begin
    if not exists (select from pg_roles where rolname = '{service}_owner') then
        create role {service}_owner nologin;
    end if;
    if not exists (select from pg_roles where rolname = '{service}') then
        create role {service} login;
    end if;
end
$$;

-- Whoever migrates acts as the owner. A superuser could anyway; an administrator who may only create roles could not.
grant {service}_owner to current_user;
