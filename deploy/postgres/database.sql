-- Who may enter a service's database: nobody by default, its own two roles by name. Run on the server's first database.
revoke all on database {database} from public;
grant connect, temporary on database {database} to {service};
grant connect on database {database} to {service}_owner;
