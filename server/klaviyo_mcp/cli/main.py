"""The command line: `klaviyo-mcp`. Every failure is one message and a non-zero exit: 1 for a call, 2 for its use."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from klaviyo_mcp import __version__
from klaviyo_mcp.cli import account_line

SandboxFlag = Annotated[
    bool, typer.Option("--sandbox", help="Use a simulated Klaviyo in this process; needs no account.")
]
ReadOnlyFlag = Annotated[bool, typer.Option("--read-only", help="Refuse every action that changes something.")]
AccountOption = Annotated[str | None, typer.Option("--account", metavar="NAME", help="Which connected account to use.")]
ExposeOption = Annotated[str, typer.Option("--expose", metavar="all|TOOLSET,…", help="Which actions to show as tools.")]

app = typer.Typer(
    name="klaviyo-mcp",
    help="Every Klaviyo action as a tool for AI agents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
actions_app = typer.Typer(help="Look at the actions there are.", no_args_is_help=True)
specs_app = typer.Typer(help="Check the spec files that describe the actions.", no_args_is_help=True)
app.add_typer(actions_app, name="actions")
app.add_typer(specs_app, name="specs")


def main() -> None:
    """Entry point of the console script."""
    from klaviyo_mcp.registry.errors import SpecError
    from klaviyo_mcp.runtime.exposure import ExposureError
    from klaviyo_mcp.runtime.settings import SettingsError

    try:
        app(prog_name="klaviyo-mcp")
    except (SettingsError, ExposureError, SpecError) as error:
        fail(str(error), 2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)


def fail(message: str, code: int = 1) -> NoReturn:
    """One message on stderr, and the exit code."""
    print(f"klaviyo-mcp: {message}", file=sys.stderr)
    sys.exit(code)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Every Klaviyo action as a tool for AI agents."""


@app.command()
def serve(
    transport: Annotated[str, typer.Option(help="stdio for one local client, http for any number.")] = "stdio",
    host: Annotated[str | None, typer.Option(help="Address to listen on (http only); 127.0.0.1 by default.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on (http only); 8000 by default, 0 a free one.")
    ] = None,
    expose: ExposeOption = "all",
    read_only: ReadOnlyFlag = False,
    account: AccountOption = None,
    hide_unavailable: Annotated[
        bool, typer.Option("--hide-unavailable", help="Leave out tools that the account is known to lack scopes for.")
    ] = False,
    sandbox: SandboxFlag = False,
) -> None:
    """Serve the actions as MCP tools."""
    import gc
    import logging

    # Starting up makes many objects and no garbage; looking for some in between costs 100 ms.
    gc.disable()
    import anyio

    from klaviyo_mcp.mcp_server.server import make_server
    from klaviyo_mcp.mcp_server.transports import check_listening, http_app, serve_http, serve_stdio
    from klaviyo_mcp.runtime.assembly import assemble

    if transport not in ("stdio", "http"):
        raise typer.BadParameter(f"{transport!r} is neither 'stdio' nor 'http'.", param_hint="--transport")
    if transport == "stdio" and (host is not None or port is not None):
        raise typer.BadParameter("goes with --transport http only.", param_hint="--host and --port")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    whole = assemble(
        sandbox=sandbox, account=account, expose=expose, read_only=read_only, hide_unavailable=hide_unavailable
    )
    if not whole.connected:
        print(
            "klaviyo-mcp: KLAVIYO_API_KEY is not set and no account is connected; calls will say so until one is.",
            file=sys.stderr,
        )
    server = make_server(whole.engine, whole.accounts, whole.exposure)
    gc.enable()
    gc.freeze()
    if transport == "stdio":
        anyio.run(serve_stdio, server)
        return
    host, port = host or "127.0.0.1", 8000 if port is None else port
    check_listening(host, whole.settings)
    shown = sum(whole.exposure.shows(action) for action in whole.engine.registry.actions)
    serve_http(http_app(server, whole.settings, tools=shown), host, port)


@app.command()
def call(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Name or alias of the action.")],
    arguments: Annotated[
        str, typer.Option("--json", metavar="ARGS", help="The arguments as a JSON object; '-' reads them from stdin.")
    ] = "{}",
    preview: Annotated[bool, typer.Option("--preview", help="Show what would be sent, and send nothing.")] = False,
    read_only: ReadOnlyFlag = False,
    account: AccountOption = None,
    sandbox: SandboxFlag = False,
) -> None:
    """Run one action and print its answer as JSON."""
    import anyio

    from klaviyo_mcp.actions.engine import Call
    from klaviyo_mcp.answers.text import error_text
    from klaviyo_mcp.runtime.answering import Reaction, react
    from klaviyo_mcp.runtime.answering import preview as preview_call
    from klaviyo_mcp.runtime.assembly import assemble

    text = sys.stdin.read() if arguments == "-" else arguments
    try:
        given = json.loads(text)
    except RecursionError:
        fail("--json is nested too deep.", 2)
    except ValueError as error:
        fail(f'--json is not valid JSON: {error}. Example: --json \'{{"email": "a@example.org"}}\'', 2)
    whole = assemble(sandbox=sandbox, account=account, read_only=read_only)

    async def run() -> Reaction:
        if preview:
            return await preview_call(whole.engine, Call(action, given))
        try:
            return await react(whole.engine, whole.accounts, Call(action, given))
        finally:
            await whole.accounts.close()

    reaction = anyio.run(run)
    _print_json(reaction.answer.data)
    if reaction.is_error:
        wrong_use = reaction.answer.data["error"]["code"] in ("unknown_account", "account_needed")
        fail(error_text(reaction.answer), 2 if wrong_use else 1)


@actions_app.command("list")
def list_actions(
    toolset: Annotated[str | None, typer.Option(help="Only this toolset.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the actions with a line each."""
    from klaviyo_mcp.actions.registry import Registry
    from klaviyo_mcp.registry.loading import load_catalogue
    from klaviyo_mcp.runtime.exposure import parse_exposure

    registry = Registry(load_catalogue())
    exposure = parse_exposure(toolset or "all", registry)
    specs = [action.spec for action in registry.actions if exposure.shows(action)]
    if as_json:
        _print_json(
            [
                {"name": s.name, "toolset": s.toolset, "effect": s.effect, "title": s.title, "summary": s.summary}
                for s in specs
            ]
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("action", "toolset", "effect", "summary"):
        table.add_column(column, no_wrap=column != "summary")
    for spec in sorted(specs, key=lambda spec: (spec.toolset, spec.name)):
        table.add_row(spec.name, spec.toolset, spec.effect, spec.summary)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    console.print(f"{len(specs)} actions", style="dim", highlight=False)


@actions_app.command("search")
def search_actions(
    words: Annotated[list[str], typer.Argument(help="What you want to do, or an old endpoint: 'POST /api/identify'.")],
    most: Annotated[int, typer.Option(min=1, max=50, help="How many to show.")] = 10,
) -> None:
    """Find actions by words."""
    from klaviyo_mcp.registry.loading import load_catalogue
    from klaviyo_mcp.registry.search import Finder

    found = Finder(load_catalogue()).find(" ".join(words), most)
    if not found:
        fail(f"No action fits {' '.join(words)!r}.")
    for spec in found:
        print(f"{spec.name} ({spec.effect}): {spec.summary}")


@actions_app.command("show")
def show_action(
    name: Annotated[str, typer.Argument(help="Name or alias of the action.")],
    path: Annotated[
        str | None, typer.Option(help="Only the full schema of one argument or deeper part, like location.city.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole spec as JSON.")] = False,
) -> None:
    """Show one action: what it does, its arguments, its limits, examples."""
    from klaviyo_mcp.actions.errors import UnknownAction
    from klaviyo_mcp.actions.registry import Registry
    from klaviyo_mcp.cli.action_page import action_page
    from klaviyo_mcp.registry.loading import load_catalogue
    from klaviyo_mcp.registry.tool_schema import schema_at

    try:
        spec = Registry(load_catalogue()).find(name).spec
    except UnknownAction as error:
        fail(error.message)
    if path is not None:
        try:
            _print_json(schema_at(spec, path))
        except KeyError:
            fail(f"{spec.name} has no argument {path!r}. Arguments: {', '.join(spec.properties)}.")
    elif as_json:
        _print_json(spec.model_dump(mode="json", by_alias=True, exclude_unset=True))
    else:
        print(action_page(spec))


@specs_app.command("check")
def check_specs(
    folder: Annotated[Path | None, typer.Argument(help="Folder of spec files; the checkout's own by default.")] = None,
) -> None:
    """Check every rule of the spec format, and that every example validates and builds."""
    from klaviyo_mcp.cli.specs import run_check

    sys.exit(run_check(folder))


OpenAPIOption = Annotated[Path, typer.Option("--openapi", metavar="FILE", help="Klaviyo's OpenAPI document.")]


@specs_app.command("draft")
def draft_specs(
    openapi: OpenAPIOption,
    operations: Annotated[list[str] | None, typer.Argument(help="Operations to draft; all by default.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Folder of spec files; the checkout's own by default.")] = None,
) -> None:
    """Write or refresh the facts of specs from an OpenAPI document; what a person wrote stays."""
    from klaviyo_mcp.cli.specs import run_draft

    sys.exit(run_draft(openapi, operations, folder))


@specs_app.command("diff")
def diff_specs(
    openapi: OpenAPIOption,
    folder: Annotated[Path | None, typer.Option(help="Folder of spec files; the checkout's own by default.")] = None,
) -> None:
    """Tell how the catalogue differs from an OpenAPI document; exit 1 when it does."""
    from klaviyo_mcp.cli.specs import run_diff

    sys.exit(run_diff(openapi, folder))


@app.command()
def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when a generated file is stale.")
    ] = False,
) -> None:
    """Write the generated files of a checkout: indexes of actions, the schema of spec files, snapshots of tools."""
    from klaviyo_mcp.cli.specs import write_docs

    sys.exit(write_docs(check=check))


@app.command("sandbox")
def run_sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    state: Annotated[Path | None, typer.Option(help="File to keep the state in; in memory by default.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the demo shop: the same seed makes the same shop.")] = 1,
    profiles: Annotated[int, typer.Option(min=0, help="How many profiles the demo shop has.")] = 400,
    faults: Annotated[Path | None, typer.Option(help="YAML file of faults to inject; see docs/sandbox.md.")] = None,
    speed: Annotated[float, typer.Option(help="How fast time passes: at 60 a minute takes a second.")] = 1.0,
) -> None:
    """Serve a simulated Klaviyo with a demo shop over HTTP."""
    from klaviyo_mcp.runtime.sandbox import serve_sandbox

    if speed <= 0:
        raise typer.BadParameter("must be more than 0.", param_hint="--speed")
    serve_sandbox(host=host, port=port, state=state, seed=seed, profiles=profiles, faults=faults, speed=speed)


@app.command()
def demo() -> None:
    """Play a short story: an agent works for a shop, with the sandbox as Klaviyo."""
    import anyio

    from klaviyo_mcp.cli.demo import DemoError, play

    try:
        anyio.run(play)
    except DemoError as error:
        fail(str(error))


account_line.add_to(app)


def _print_json(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if sys.stdout.isatty():
        from rich import print_json

        print_json(text)
    else:
        print(text)
