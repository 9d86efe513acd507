"""The `steward` command: one file per group, put together here."""

import typer

import services.feedback.commands
import services.goals.commands
import services.reporting.commands
from deploy.cli import bootstrap, contracts, demo, events, load, migrate, openapi, routes, serve, token, worker

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
app.add_typer(events.app, name="events", rich_help_panel=LOOK)
app.command("contracts", rich_help_panel=LOOK)(contracts.contracts)
for commands in (services.goals.commands, services.feedback.commands, services.reporting.commands):
    app.add_typer(commands.app, rich_help_panel=LOOK)

if __name__ == "__main__":
    app()
