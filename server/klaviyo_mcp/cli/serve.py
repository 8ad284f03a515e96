"""`klaviyo-mcp serve`: the MCP server, over stdio or HTTP."""

import gc
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from klaviyo_mcp.cli.options import (
    AccountOption,
    ActionsOption,
    ConfirmOption,
    ExcludeOption,
    ExposeOption,
    LogFormatOption,
    LogLevelOption,
    NoLiveChecksFlag,
    PrefixOption,
    ReadOnlyFlag,
    SandboxFlag,
    ToolsetsOption,
)
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.registry.errors import SpecError
from klaviyo_mcp.runtime.assembly import Application, Selection, assemble, names_no_account, select
from klaviyo_mcp.runtime.exporters import start_exporting
from klaviyo_mcp.runtime.exposure import ExposureError, Wanted
from klaviyo_mcp.runtime.logs import log, start_logging
from klaviyo_mcp.runtime.settings import SettingsError, foreign_variables

if TYPE_CHECKING:
    from klaviyo_mcp.mcp_server.front import Front

app = typer.Typer()


@app.command()
def serve(
    transport: Annotated[str, typer.Option(help="stdio for one local client, http for any number.")] = "stdio",
    host: Annotated[str | None, typer.Option(help="Address to listen on (http only); 127.0.0.1 by default.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on (http only); 8000 by default, 0 a free one.")
    ] = None,
    expose: ExposeOption = None,
    toolsets: ToolsetsOption = "",
    actions: ActionsOption = "",
    exclude: ExcludeOption = "",
    read_only: ReadOnlyFlag = False,
    confirm: ConfirmOption = None,
    no_live_checks: NoLiveChecksFlag = False,
    account: AccountOption = None,
    hide_unavailable: Annotated[
        bool, typer.Option("--hide-unavailable", help="Leave out tools that the account is known to lack scopes for.")
    ] = False,
    prefix: PrefixOption = None,
    sandbox: SandboxFlag = False,
    log_format: LogFormatOption = None,
    log_level: LogLevelOption = None,
) -> None:
    """Serve the actions as MCP tools."""
    if transport not in ("stdio", "http"):
        raise typer.BadParameter(f"{transport!r} is neither 'stdio' nor 'http'.", param_hint="--transport")
    if transport == "stdio" and (host is not None or port is not None):
        raise typer.BadParameter("goes with --transport http only.", param_hint="--host and --port")
    chosen = partial(
        select,
        wanted=Wanted(expose, toolsets, actions, exclude),
        read_only=read_only,
        hide_unavailable=hide_unavailable,
        prefix=prefix,
    )
    # The catalogue is many objects too that all stay: see `__main__`.
    gc.disable()
    if transport == "http":
        selection = chosen(confirm=confirm, live_checks=not no_live_checks)
        start_logging(selection.settings, "info", form=log_format, level=log_level)
        if selection.settings.klaviyo_mcp_public_url is not None:
            _serve_hosted(selection, host or "127.0.0.1", port, account, sandbox=sandbox)
            return
        _serve_http(assemble(selection, sandbox=sandbox, account=account), host or "127.0.0.1", port)
        return
    from klaviyo_mcp.mcp_server.front import stdio_front

    front = stdio_front()
    try:
        selection = chosen(confirm=confirm, live_checks=not no_live_checks)
        start_logging(selection.settings, "warning", form=log_format, level=log_level)
        front.complain_to(log.warning)
        listing = Listing(selection.registry, selection.exposure)
        if names_no_account(selection.settings, sandbox=sandbox) and not hide_unavailable:
            front.offer(lambda: listing.text)
        application = assemble(selection, sandbox=sandbox, account=account)
        start_exporting()
    except (SettingsError, ExposureError, SpecError) as error:
        front.refuse(str(error))
        raise
    _serve_stdio(application, listing, front)


def _serve_stdio(application: Application, listing: Listing, front: "Front") -> None:
    import anyio

    from klaviyo_mcp.mcp_server.server import make_server  # 0.4 s, when the tools are listed
    from klaviyo_mcp.mcp_server.stdio import serve_stdio

    _hint(application)
    server = make_server(application.engine, lambda _: application.accounts, listing, application.audit)
    _loaded()
    anyio.run(serve_stdio, server, front, application.accounts.interrupt)


def _serve_http(application: Application, host: str, port: int | None) -> None:
    from klaviyo_mcp.mcp_server.http import serve_http
    from klaviyo_mcp.mcp_server.server import make_server

    _hint(application)
    exporting = start_exporting(over_http=True)
    listing = Listing(application.engine.registry, application.exposure)
    server = make_server(application.engine, lambda _: application.accounts, listing, application.audit)
    _loaded()
    serve_http(
        server,
        application.settings,
        host.strip("[]"),
        8000 if port is None else port,
        tools=listing.tools,
        interrupt=application.accounts.interrupt,
        exporting=exporting,
    )


def _serve_hosted(selection: Selection, host: str, port: int | None, account: str | None, *, sandbox: bool) -> None:
    from klaviyo_mcp.hosted.config import hosted_config  # a server for one person needs none of it
    from klaviyo_mcp.hosted.serving import serve_hosted

    hosted_config(selection.settings, account=account, sandbox=sandbox)
    exporting = start_exporting(port=selection.settings.klaviyo_mcp_metrics_port)
    _loaded()
    serve_hosted(selection, host.strip("[]"), 8000 if port is None else port, exporting=exporting)


def _hint(application: Application) -> None:
    for foreign in foreign_variables():
        log.warning(foreign)
    if not application.connected:
        log.warning("KLAVIYO_API_KEY is not set and no account is connected; calls will say so until one is.")


def _loaded() -> None:
    gc.enable()
    gc.freeze()
