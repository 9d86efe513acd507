"""The `steward` command: one file per group, put together here."""

import typer

from deploy.cli import bootstrap, demo, load, migrate, openapi, routes, serve, token, worker

app = typer.Typer(
    name="steward",
    help="Steward: goals, feedback and reporting for public bodies. Start with «steward demo».",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("bootstrap")(bootstrap.bootstrap)
app.command("migrate")(migrate.migrate)
app.command("load")(load.load)
app.command("token")(token.token)
app.command("routes")(routes.routes)
app.command("openapi")(openapi.openapi)

if __name__ == "__main__":
    app()
