"""`steward events`: looking at a service's log, proving it, and mending what a failure or a restore has left."""

import typer

from deploy.cli.events import looking, proving, restoring

LOOK, PROVE, RESTORE = "Look", "Prove and erase", "After a restore"

app = typer.Typer(
    help="Look at the events of a service, prove its log, and mend what a failure or a restore has left.\n\n"
    "The service is an option here (steward events tail --service goals); serve, worker and routes take it as their "
    "argument (steward serve goals).",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
app.command("tail", rich_help_panel=LOOK)(looking.tail)
app.command("dead-letters", rich_help_panel=LOOK)(looking.dead_letters)
app.command("replay", rich_help_panel=LOOK)(looking.replay)
app.command("verify", rich_help_panel=PROVE)(proving.verify)
app.command("anchor", rich_help_panel=PROVE)(proving.anchor)
app.command("erase", rich_help_panel=PROVE)(proving.erase)
app.command("new-log", rich_help_panel=RESTORE)(restoring.new_log)
app.command("rebase", rich_help_panel=RESTORE)(restoring.rebase)
app.command("republish", rich_help_panel=RESTORE)(restoring.republish)
