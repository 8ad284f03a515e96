"""`klaviyo-mcp accounts` and `klaviyo-mcp disconnect`: what is connected, the default, a new key, and forgetting."""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import anyio
import typer

from klaviyo_mcp.accounts.connect import described, leave
from klaviyo_mcp.accounts.connections import Notes
from klaviyo_mcp.accounts.errors import CorruptRecord, unknown_account
from klaviyo_mcp.accounts.records import Connection
from klaviyo_mcp.accounts.vault import Rekeyed, Vault
from klaviyo_mcp.cli.options import JsonFlag
from klaviyo_mcp.cli.output import fail, print_json
from klaviyo_mcp.cli.scope_choice import told
from klaviyo_mcp.jobs.errors import JobProblem
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.assembly import oauth_app_of, vault_of
from klaviyo_mcp.runtime.resealing import reseal_jobs
from klaviyo_mcp.runtime.settings import read_settings

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.resealing import Resealed

app = typer.Typer()
accounts = typer.Typer(
    help="Connected accounts: list them, choose the default, change the vault's key.",
    epilog="Example: klaviyo-mcp accounts --json",
)
app.add_typer(accounts, name="accounts")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the connection.")]
T = TypeVar("T")


@accounts.callback(invoke_without_command=True)
def list_accounts(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the connected accounts; the exit code is 1 when a record could not be read."""
    if context.invoked_subcommand is not None:
        return
    rows = with_vault(_rows)
    if as_json:
        print_json(rows)
    elif not rows:
        print("No account is connected. Connect one with: klaviyo-mcp connect")
    else:
        _print_table(rows)
    sys.exit(1 if any("problem" in row for row in rows) else 0)


@accounts.command("default", epilog="Example: klaviyo-mcp accounts default juniper-pine")
def choose_default(name: NameArgument) -> None:
    """Choose the account that is meant when none is named."""

    async def choose(vault: Vault) -> None:
        names = await vault.names()
        if name not in names:
            raise unknown_account(name, names)
        async with vault.lock():
            await vault.choose_default(name)

    with_vault(choose)
    print(f"{name} is the default account now.")


@accounts.command("rekey", epilog="Example: klaviyo-mcp accounts rekey")
def rekey() -> None:
    """Seal everything with a new key: accounts, and what jobs hold."""
    settings = read_settings()
    said: list[str] = []

    async def jobs() -> None:
        said.append(resealed_words(await reseal_jobs(settings)))

    try:
        done: Rekeyed = with_vault(lambda vault: vault.rekey(jobs))
    except JobProblem as problem:
        fail(f"{problem.message} What jobs hold keeps its old seal, and the old key was kept; run this again.")
    print(f"{len(done.renewed)} records are sealed with the new key, which is in {done.place}.")
    print("".join(said), end="")
    if done.unreadable:
        print(
            f"These could not be read and keep their old seal: {', '.join(done.unreadable)}. The old key was kept too. "
            "Connect them again or disconnect them, then run this again.",
            file=sys.stderr,
        )
        sys.exit(1)


@app.command(epilog="Example: klaviyo-mcp disconnect juniper-pine")
def disconnect(
    name: NameArgument,
    forget: Annotated[bool, typer.Option("--forget", help="Forget it even if Klaviyo cannot be told.")] = False,
) -> None:
    """Give an account's grant back to Klaviyo and forget it."""
    client = oauth_app_of(read_settings())
    gone: Connection | None = with_vault(lambda vault: leave(vault, name, forget=forget, app=client))
    if gone is None:
        print(f"{name} is forgotten. Its record could not be read, so nothing was revoked: remove the app at Klaviyo.")
    elif gone.grant is None:
        print(f"{name} is forgotten. The API key still works; delete it at Klaviyo under Settings > API keys.")
    else:
        print(f"{name} ({described(gone.company)}) is disconnected: its grant is given back to Klaviyo and forgotten.")


def resealed_words(done: "Resealed | None") -> str:
    """What became of what jobs hold, as a line; nothing where there is none."""
    if done is None:
        return ""
    lost = f" {done.lost:,} are open to no key that there is; they go with their jobs." if done.lost else ""
    return f"So is what jobs hold: {done.renewed:,} pieces were sealed anew.{lost}\n"


def with_vault(work: Callable[[Vault], Awaitable[T]]) -> T:
    """Do something with the vault of the settings, and close it."""
    vault = vault_of(read_settings())

    async def run() -> T:
        try:
            return await work(vault)
        finally:
            await vault.close()

    return anyio.run(run)


async def _rows(vault: Vault) -> list[JSON]:
    names = await vault.names()
    chosen = names[0] if len(names) == 1 else await vault.default()
    return [await _row(vault, name, default=name == chosen) for name in names]


async def _row(vault: Vault, name: str, *, default: bool) -> JSON:
    row: JSON = {"name": name, "default": default}
    try:
        connection = await vault.read(name)
    except CorruptRecord as error:
        return {**row, "problem": error.message}
    if connection is None:
        return {**row, "problem": "It was disconnected a moment ago."}
    company, grant = connection.company, connection.grant
    row |= {
        "company": company.name,
        "account_id": company.account_id,
        "test_account": company.test_account,
        "connection": "OAuth" if grant else "API key",
        "api": connection.base_url,
        "scopes": list(grant.scopes) if grant else None,
        "connected": _moment(connection.connected_at),
        "last_used": _moment(await Notes(vault, connection).last_used()),
        "token_expires": _moment(grant.expires_at) if grant else None,
    }
    if grant is not None and grant.reconnect:
        row["problem"] = f"{grant.reconnect}. Reconnect it: klaviyo-mcp connect --name {name}"
    return row


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print_table(rows: list[JSON]) -> None:
    for row in rows:
        print(f"{row['name']}{' (default)' if row['default'] else ''}")
        if "connection" in row:
            test = {True: ", a test account", False: "", None: ""}[row["test_account"]]
            print(f"  company     {row['company'] or 'unknown'} ({row['account_id'] or 'id unknown'}){test}")
            print(f"  connection  {row['connection']} to {row['api']}, since {row['connected']}")
            scopes = row["scopes"]
            print(f"  scopes      {'not known for API keys' if scopes is None else f'may {told(scopes)}'}")
            print(f"  last use    {row['last_used'] or 'never'}")
            if row["token_expires"]:
                print(f"  expiry      access token {row['token_expires']}, renewed by itself before that")
        if "problem" in row:
            print(f"  PROBLEM     {row['problem']}")
