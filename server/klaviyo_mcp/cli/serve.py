"""`klaviyo-mcp serve`: the MCP server, over stdio or HTTP."""

import gc
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

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
    NoUserContentFlag,
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
from klaviyo_mcp.runtime.settings import Settings, SettingsError, foreign_variables

if TYPE_CHECKING:
    from mcp.server import Server

    from klaviyo_mcp.mcp_server.front import Front
    from klaviyo_mcp.runtime.job_worker import JobWorker

app = typer.Typer()
Choose = Callable[[], Selection]
Log = Callable[[Settings, str], None]


@app.command(epilog="Example: klaviyo-mcp serve --sandbox --toolsets lists,profiles --read-only")
def serve(
    transport: Annotated[
        str, typer.Option(metavar="stdio|http", help="stdio for one local client, http for any number.")
    ] = "stdio",
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
    no_user_content: NoUserContentFlag = False,
    account: AccountOption = None,
    hide_unavailable: Annotated[
        bool, typer.Option("--hide-unavailable", help="Leave out tools that the account is known to lack scopes for.")
    ] = False,
    prefix: PrefixOption = None,
    sandbox: SandboxFlag = False,
    hosted_demo: Annotated[
        bool, typer.Option("--hosted-demo", help="Try the hosted service in a browser, with the sandbox as Klaviyo.")
    ] = False,
    log_format: LogFormatOption = None,
    log_level: LogLevelOption = None,
) -> None:
    """Serve the actions as MCP tools."""
    if transport not in ("stdio", "http"):
        raise typer.BadParameter(f"{transport!r} is neither 'stdio' nor 'http'.", param_hint="--transport")
    if transport == "stdio" and (host is not None or (port is not None and not hosted_demo)):
        raise typer.BadParameter("goes with --transport http only.", param_hint="--host and --port")
    chosen = partial(
        select,
        wanted=Wanted(expose, toolsets, actions, exclude),
        read_only=read_only,
        hide_unavailable=hide_unavailable,
        prefix=prefix,
        user_content=not no_user_content,
        confirm=confirm,
        live_checks=not no_live_checks,
    )
    # The catalogue is many objects too that all stay: see `__main__`.
    gc.disable()
    logged = partial(start_logging, form=log_format, level=log_level)
    if hosted_demo:
        if host is not None or account is not None or sandbox:
            raise typer.BadParameter("goes without --host, --account and --sandbox.", param_hint="--hosted-demo")
        _over_demo(chosen, logged, port)
    elif transport == "http":
        _over_http(chosen, logged, host or "127.0.0.1", port, account, sandbox=sandbox)
    else:
        _over_stdio(chosen, logged, account, sandbox=sandbox, hide_unavailable=hide_unavailable)


def _over_stdio(chosen: Choose, logged: Log, account: str | None, *, sandbox: bool, hide_unavailable: bool) -> None:
    from klaviyo_mcp.mcp_server.front import stdio_front

    front = stdio_front()
    try:
        selection = chosen()
        logged(selection.settings, "warning")
        front.complain_to(log.warning)
        _refuse_hosted(selection)
        listing = Listing(selection.registry, selection.exposure, selection.settings.answer_bytes)
        if names_no_account(selection.settings, sandbox=sandbox) and not hide_unavailable:
            front.offer(lambda: listing.text)
        application = assemble(selection, sandbox=sandbox, account=account)
        start_exporting()
    except (SettingsError, ExposureError, SpecError) as error:
        front.refuse(str(error))
        raise
    _serve_stdio(application, listing, front)


def _over_http(chosen: Choose, logged: Log, host: str, port: int | None, account: str | None, *, sandbox: bool) -> None:
    selection = chosen()
    logged(selection.settings, "info")
    if selection.settings.klaviyo_mcp_public_url is not None:
        _serve_hosted(selection, host, port, account, sandbox=sandbox)
    else:
        _serve_http(assemble(selection, sandbox=sandbox, account=account), host, port)


def _over_demo(chosen: Choose, logged: Log, port: int | None) -> None:
    from klaviyo_mcp.hosted.demo import HOST, hosted_demo

    with hosted_demo(8000 if port is None else port) as demo:
        selection = chosen()
        logged(selection.settings, "warning")
        print(demo.words, flush=True)
        _serve_hosted(selection, HOST, demo.port, None, sandbox=False)


def _refuse_hosted(selection: Selection) -> None:
    if selection.settings.klaviyo_mcp_public_url is not None:
        raise SettingsError("KLAVIYO_MCP_PUBLIC_URL makes this a hosted service, which needs --transport http.")


def _serve_stdio(application: Application, listing: Listing, front: "Front") -> None:
    import anyio

    from klaviyo_mcp.mcp_server.stdio import serve_stdio

    _hint(application)
    server, worker = _made(application, listing)
    _loaded()
    anyio.run(serve_stdio, server, front, application.accounts.interrupt, worker.looking_after)


def _serve_http(application: Application, host: str, port: int | None) -> None:
    from klaviyo_mcp.mcp_server.http import serve_http

    _hint(application)
    exporting = start_exporting(over_http=True)
    listing = Listing(application.engine.registry, application.exposure, application.settings.answer_bytes)
    server, worker = _made(application, listing)
    _loaded()
    serve_http(
        server,
        application.settings,
        host.strip("[]"),
        8000 if port is None else port,
        tools=listing.tools,
        interrupt=application.accounts.interrupt,
        exporting=exporting,
        beside=worker.looking_after,
    )


def _made(application: Application, listing: Listing) -> "tuple[Server[Any], JobWorker]":
    """The server of one person's accounts, and what works on their jobs beside it."""
    from klaviyo_mcp.mcp_server.server import make_server  # 0.4 s, when the tools are listed
    from klaviyo_mcp.runtime.job_attaching import attach_jobs
    from klaviyo_mcp.tools.calls import room_of

    worker = attach_jobs(application)
    server = make_server(
        application.engine,
        lambda _: application.accounts,
        listing,
        application.audit,
        room_of(application),
        worker=worker,
    )
    return server, worker


def _serve_hosted(selection: Selection, host: str, port: int | None, account: str | None, *, sandbox: bool) -> None:
    from klaviyo_mcp.hosted.config import hosted_config  # a server for one person needs none of it
    from klaviyo_mcp.hosted.serving import serve_hosted

    hosted_config(
        selection.settings, selection.registry, account=account, sandbox=sandbox, confirm=selection.exposure.confirm
    )
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
    # A call makes thousands of objects and keeps none; at the usual 700 a seventh of it is spent looking for circles.
    gc.set_threshold(10_000, 10, 10)
