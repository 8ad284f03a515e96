"""The commands about accounts as the command line takes them: connect, accounts, disconnect, doctor."""

import sys
from typing import Annotated, NoReturn

import typer

from klaviyo_mcp.klaviyo.errors import KlaviyoError

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the connection.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]

accounts_app = typer.Typer(help="Connected accounts: list them, choose the default, change the vault's key.")


def add_to(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(accounts_app, name="accounts")
    for command in (connect, disconnect, doctor):
        app.command()(command)


def connect(
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it; made from the company's name by default.")
    ] = None,
    scopes: Annotated[
        str, typer.Option(metavar="read|marketing|all|LIST", help="What it may do; LIST has scopes or toolsets.")
    ] = "all",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address to open and take the one it ends at.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of the redirect URI http://127.0.0.1:PORT/callback.")
    ] = 8971,
    api_key: Annotated[
        bool, typer.Option("--api-key", help="Connect with a private API key, from a prompt or stdin.")
    ] = False,
) -> None:
    """Connect a Klaviyo account: consent in the browser, or an API key."""
    from klaviyo_mcp.cli.connect import ConnectOptions, run_connect, run_connect_key

    try:
        ending = run_connect_key(name) if api_key else run_connect(ConnectOptions(name, scopes, not no_browser, port))
    except KlaviyoError as error:
        _fail(error)
    if not ending.worked:
        print(f"klaviyo-mcp: {ending.title}. {ending.text}\nNext: {ending.advice}", file=sys.stderr)
        sys.exit(1)
    print(f"{ending.text}\n{ending.advice}")


@accounts_app.callback(invoke_without_command=True)
def accounts(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the connected accounts."""
    if context.invoked_subcommand is None:
        from klaviyo_mcp.cli.accounts import list_accounts

        try:
            sys.exit(list_accounts(as_json=as_json))
        except KlaviyoError as error:
            _fail(error)


@accounts_app.command("default")
def default(name: NameArgument) -> None:
    """Choose the account that is meant when none is named."""
    from klaviyo_mcp.cli.accounts import choose_default

    try:
        choose_default(name)
    except KlaviyoError as error:
        _fail(error)


@accounts_app.command("rekey")
def rekey() -> None:
    """Seal everything with a new key."""
    from klaviyo_mcp.cli.accounts import rekey as change_key

    try:
        sys.exit(change_key())
    except KlaviyoError as error:
        _fail(error)


def disconnect(
    name: NameArgument,
    forget: Annotated[bool, typer.Option("--forget", help="Forget it even if Klaviyo cannot be told.")] = False,
) -> None:
    """Give an account's grant back to Klaviyo and forget it."""
    from klaviyo_mcp.cli.accounts import disconnect as give_up

    try:
        give_up(name, forget=forget)
    except KlaviyoError as error:
        _fail(error)


def doctor(
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Check this account; the default one if absent.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check everything a call needs, and say how to mend what is wrong; exit 0 when a call would work."""
    from klaviyo_mcp.cli.doctor import run_doctor

    sys.exit(run_doctor(account, as_json=as_json))


def _fail(error: KlaviyoError) -> NoReturn:
    advice = f"\nNext: {error.advice}" if error.advice else ""
    print(f"klaviyo-mcp: {error.message}{advice}", file=sys.stderr)
    sys.exit(1)
