"""`steward load`: the demo's data into a running Steward."""

import asyncio

import typer

from deploy.cli.options import DataDir, console, plainly


def load(data_dir: DataDir = None) -> None:
    """Load the demo's data into the Steward that «steward demo --no-load» runs, through its public APIs.

    Does nothing where the data is there already.
    """
    with plainly():
        from deploy.cli.demo import load_once
        from deploy.local.places import default_data_directory
        from deploy.local.running import running_on

        directory = data_dir or default_data_directory()
        running = running_on(directory)
        loaded = asyncio.run(load_once(directory, running["urls"], running["tokens"]))
        for what, count in loaded.items():
            typer.echo(f"{what}: {count}")
        console.print("The data is loaded.")
