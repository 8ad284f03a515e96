"""`klaviyo-mcp sandbox`: a simulated Klaviyo over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command("sandbox", epilog="Example: klaviyo-mcp sandbox --port 8765 --profiles 50")
def run_sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    state: Annotated[Path | None, typer.Option(help="File to keep the state in; in memory by default.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the demo shop: the same seed makes the same shop.")] = 1,
    profiles: Annotated[int, typer.Option(min=0, help="How many profiles the demo shop has.")] = 400,
    faults: Annotated[Path | None, typer.Option(help="YAML file of faults to inject; see docs/sandbox.md.")] = None,
    speed: Annotated[float, typer.Option(help="How fast time passes: at 60 a minute takes a second.")] = 1.0,
    without: Annotated[
        str, typer.Option(help="Features that the account lacks, with commas: webhooks,object-types,push,sms.")
    ] = "",
) -> None:
    """Serve a simulated Klaviyo with a demo shop over HTTP."""
    if speed <= 0:
        raise typer.BadParameter("must be more than 0.", param_hint="--speed")
    from klaviyo_mcp.runtime.sandbox import serve_sandbox  # 0.5 s that a list of commands need not take

    features = [name for name in (part.strip() for part in without.split(",")) if name]
    serve_sandbox(
        host=host, port=port, state=state, seed=seed, profiles=profiles, faults=faults, speed=speed, without=features
    )
