-- What a PostgreSQL server needs once for Steward. Run as a superuser, or as a role with CREATEROLE and CREATEDB:
--     steward bootstrap --print | psql -v ON_ERROR_STOP=1 postgresql://…/postgres
-- It may be run again. No password is set here: give the logins goals, feedback and reporting one each (\password goals),
-- and let the role that runs «steward migrate» act as the owners:
--     grant goals_owner, feedback_owner, reporting_owner to …;
select current_database() as first_database \gset
