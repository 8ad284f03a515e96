"""`klaviyo-mcp serve`: the MCP server, over stdio or HTTP."""

import gc
import logging
import sys
from typing import Annotated

import anyio
import typer

from klaviyo_mcp.cli.options import AccountOption, ReadOnlyFlag, SandboxFlag
from klaviyo_mcp.cli.output import warn
from klaviyo_mcp.mcp_server.server import make_server
from klaviyo_mcp.mcp_server.transports import serve_stdio
from klaviyo_mcp.runtime.assembly import assemble
from klaviyo_mcp.runtime.settings import foreign_variables

app = typer.Typer()


@app.command()
def serve(
    transport: Annotated[str, typer.Option(help="stdio for one local client, http for any number.")] = "stdio",
    host: Annotated[str | None, typer.Option(help="Address to listen on (http only); 127.0.0.1 by default.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on (http only); 8000 by default, 0 a free one.")
    ] = None,
    expose: Annotated[
        str, typer.Option("--expose", metavar="all|TOOLSET,…", help="Which actions to show as tools.")
    ] = "all",
    read_only: ReadOnlyFlag = False,
    account: AccountOption = None,
    hide_unavailable: Annotated[
        bool, typer.Option("--hide-unavailable", help="Leave out tools that the account is known to lack scopes for.")
    ] = False,
    sandbox: SandboxFlag = False,
) -> None:
    """Serve the actions as MCP tools."""
    if transport not in ("stdio", "http"):
        raise typer.BadParameter(f"{transport!r} is neither 'stdio' nor 'http'.", param_hint="--transport")
    if transport == "stdio" and (host is not None or port is not None):
        raise typer.BadParameter("goes with --transport http only.", param_hint="--host and --port")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    warn(foreign_variables())
    # The catalogue is many objects too that all stay: see `__main__`.
    gc.disable()
    application = assemble(
        sandbox=sandbox, account=account, expose=expose, read_only=read_only, hide_unavailable=hide_unavailable
    )
    if not application.connected:
        print(
            "klaviyo-mcp: KLAVIYO_API_KEY is not set and no account is connected; calls will say so until one is.",
            file=sys.stderr,
        )
    server = make_server(application.engine, lambda _: application.accounts, application.exposure)
    gc.enable()
    gc.freeze()
    if transport == "stdio":
        anyio.run(serve_stdio, server)
        return
    host, port = (host or "127.0.0.1").strip("[]"), 8000 if port is None else port
    from klaviyo_mcp.mcp_server.http import serve_http  # what stdio does not need

    shown = sum(application.exposure.shows(action) for action in application.engine.registry.actions)
    serve_http(server, application.settings, host, port, tools=shown, interrupt=application.accounts.interrupt)
