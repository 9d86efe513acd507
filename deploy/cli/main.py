"""The `steward` command: one file per group, put together here."""

import typer

from deploy.cli import bootstrap, contracts, demo, load, migrate, openapi, routes, serve, token, worker
from deploy.cli.events.app import app as events
from deploy.cli.options import Service, group_of
from services.feedback import commands as feedback
from services.goals import commands as goals
from services.reporting import commands as reporting

TRY = "Try it on this machine"
RUN = "Run it"
LOOK = "Look at it"

app = typer.Typer(
    name="steward",
    help="Steward: goals, feedback and reporting for public bodies. Start with «steward demo».",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo", rich_help_panel=TRY)(demo.demo)
app.command("load", rich_help_panel=TRY)(load.load)
app.command("token", rich_help_panel=TRY)(token.token)
app.command("bootstrap", rich_help_panel=RUN)(bootstrap.bootstrap)
app.command("migrate", rich_help_panel=RUN)(migrate.migrate)
app.command("serve", rich_help_panel=RUN)(serve.serve)
app.command("worker", rich_help_panel=RUN)(worker.worker)
app.command("routes", rich_help_panel=LOOK)(routes.routes)
app.command("openapi", rich_help_panel=LOOK)(openapi.openapi)
app.add_typer(events, name="events", rich_help_panel=LOOK)
app.command("contracts", rich_help_panel=LOOK)(contracts.contracts)
for service, commands in ((Service.GOALS, goals), (Service.FEEDBACK, feedback), (Service.REPORTING, reporting)):
    app.add_typer(commands.app, callback=group_of(service), rich_help_panel=LOOK)

if __name__ == "__main__":
    app()
