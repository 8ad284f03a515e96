"""`klaviyo-mcp hosted`: what the operator of the hosted service does beside running it.

The commands need the settings of a server, and change what all instances share: a grant that is ended here is refused
by each of them within five seconds.
"""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import anyio
import typer

from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.authorization.errors import StoreAway
from klaviyo_mcp.authorization.levels import LEVELS
from klaviyo_mcp.authorization.operating import Ended, GrantSeen
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.cli.accounts import resealed_words
from klaviyo_mcp.cli.options import JsonFlag
from klaviyo_mcp.cli.output import fail, print_json
from klaviyo_mcp.hosted.company_jobs import CompanyJobs
from klaviyo_mcp.hosted.config import asked_for, hosted_config, keeps_jobs
from klaviyo_mcp.jobs.errors import JobProblem
from klaviyo_mcp.klaviyo.words import visible
from klaviyo_mcp.runtime.assembly import assemble, registry_of, select
from klaviyo_mcp.runtime.resealing import reseal_jobs
from klaviyo_mcp.runtime.settings import SettingsError, read_settings

app = typer.Typer()
hosted = typer.Typer(
    help="The hosted service: what to enter at Klaviyo, its grants, ending them.",
    no_args_is_help=True,
    epilog="Example: klaviyo-mcp hosted app",
)
app.add_typer(hosted, name="hosted")
AccountsOption = Annotated[
    list[str] | None, typer.Option("--account", metavar="ID", help="Klaviyo's id of an account; may be given again.")
]
T = TypeVar("T")


@hosted.command("app", epilog="Example: klaviyo-mcp hosted app")
def klaviyo_app(as_json: JsonFlag = False) -> None:
    """Print what to enter at Klaviyo for your app: addresses, and the scopes of each level."""
    settings = read_settings()
    issuer = settings.klaviyo_mcp_public_url
    if issuer is None:
        raise SettingsError("KLAVIYO_MCP_PUBLIC_URL is needed: the addresses to enter at Klaviyo begin with it.")
    levels = asked_for(settings, registry_of(settings))
    told = {
        "redirect_uri": f"{issuer}/oauth/klaviyo/callback",
        "install_url": f"{issuer}/install",
        "manage_url": f"{issuer}/manage",
        "scopes": {level: list(levels.scopes(level)) for level in LEVELS},
    }
    if as_json:
        print_json(told)
        return
    print(f"Redirect URI  {told['redirect_uri']}")
    print(f"Install URL   {told['install_url']}")
    print(f"Settings URL  {told['manage_url']}  (where an installed app is managed)")
    print("\nScopes. Give the app those of the highest level that you offer; each has all of the ones before it.")
    for level in LEVELS:
        print(f"\n{level} ({levels.actions(level)} actions)\n{' '.join(levels.scopes(level))}")


@hosted.command("grants", epilog="Example: klaviyo-mcp hosted grants --account DEMO01")
def list_grants(account: AccountsOption = None, as_json: JsonFlag = False) -> None:
    """List who is connected: account, client, level, last use."""
    rows = _run(lambda server: _seen(server, account))
    if as_json:
        print_json([_row(grant) for grant in rows])
        return
    for grant in rows:
        client = grant.client_name or "(the connect page)"
        verified = f" of {grant.client_domain}" if grant.client_domain else ""
        used = _moment(grant.last_used) or "never"
        trouble = f", has to reconnect: {grant.reconnect}" if grant.reconnect else ""
        print(
            visible(
                f"{grant.grant_id}  {grant.account_id} {grant.company_name or ''}  {client}{verified}  {grant.level}  "
                f"last used {used}{trouble}"
            )
        )
    accounts = len({grant.account_id for grant in rows})
    print(f"{len(rows)} grants of {accounts} accounts.", file=sys.stderr)


@hosted.command("revoke", epilog="Example: klaviyo-mcp hosted revoke --account DEMO01 --yes")
def revoke(
    account: AccountsOption = None,
    grant: Annotated[
        list[str] | None, typer.Option("--grant", metavar="ID", help="A grant's id; may be given again.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every grant of every account.")] = False,
    at_klaviyo: Annotated[
        bool, typer.Option("--at-klaviyo", help="Revoke at Klaviyo too, which removes the app from those accounts.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """End grants: their clients are refused within five seconds, and their people have to connect again."""
    if sum((bool(account), bool(grant), every)) != 1:
        raise typer.BadParameter("one of them, and no other.", param_hint="--account, --grant or --all")
    if at_klaviyo and grant:
        raise typer.BadParameter(
            "removes the app for the whole account; name it with --account.", param_hint="--at-klaviyo"
        )

    async def chosen(server: AuthorizationServer) -> list[GrantSeen]:
        return [one for one in await _seen(server, account) if not grant or one.grant_id in grant]

    rows = _run(chosen)
    if not rows:
        fail("There is no such grant; nothing was changed. See: klaviyo-mcp hosted grants")
    accounts = len({one.account_id for one in rows})
    also = ", and the app is removed from these accounts at Klaviyo" if at_klaviyo else ""
    if not yes and not typer.confirm(f"{len(rows)} grants of {accounts} accounts end{also}. Go on?", err=True):
        fail("Nothing was changed.")
    # Asked once more: more may be connected by now.
    done = _run(lambda server: _ended(server, chosen, at_klaviyo=at_klaviyo))
    print(f"{done.grants} grants of {len(done.accounts)} accounts are ended.")
    if done.untold:
        fail(
            f"Klaviyo has not taken back those of {', '.join(done.untold)}. They are forgotten here, so that running "
            "this again does not tell it: these companies have to remove the app there, under Settings, Integrations."
        )


@hosted.command("sweep", epilog="Example: klaviyo-mcp hosted sweep")
def sweep() -> None:
    """Remove what has expired, and files and jobs of companies that have gone, as every server does once an hour."""
    print(f"{_run(lambda server: server.sweep(), jobs=True)} grants had run out.")


@hosted.command("reseal", epilog="Example: klaviyo-mcp hosted reseal")
def reseal() -> None:
    """Seal what lives long with the first of KLAVIYO_MCP_SECRET, and what jobs hold with that of the vault's keys.

    The others can be taken away then; those of the vault after 'klaviyo-mcp accounts rekey', which does both.
    """
    seen = _run(lambda server: server.reseal())
    print(f"Grants, and {seen} registrations and refresh tokens, are sealed with the first of KLAVIYO_MCP_SECRET.")
    settings = read_settings()
    if keeps_jobs(settings):
        try:
            print(resealed_words(anyio.run(reseal_jobs, settings)), end="")
        except JobProblem as problem:
            fail(f"{problem.message} What jobs hold keeps its old seal; run this again.")


async def _seen(server: AuthorizationServer, accounts: list[str] | None) -> list[GrantSeen]:
    found = [grant async for grant in server.operating.seen() if not accounts or grant.account_id in accounts]
    return sorted(found, key=lambda grant: (grant.account_id, grant.created, grant.client_name))


async def _ended(
    server: AuthorizationServer,
    chosen: Callable[[AuthorizationServer], Awaitable[list[GrantSeen]]],
    *,
    at_klaviyo: bool,
) -> Ended:
    return await server.operating.end(await chosen(server), at_klaviyo=at_klaviyo)


def _run(work: Callable[[AuthorizationServer], Awaitable[T]], *, jobs: bool = False) -> T:
    """Do something with the authorization server of the settings. What could not be looked up is told, and ends it.

    `jobs` has those of companies swept after it, with their files.
    """
    selection = select()
    config = hosted_config(selection.settings, selection.registry)
    application = assemble(selection)
    accounts = application.accounts
    assert isinstance(accounts, ConnectedAccounts)  # noqa: S101 - without a key and a sandbox there are no others

    async def run() -> T:
        try:
            server = AuthorizationServer(config, accounts.vault, accounts.endpoint, selection.registry)
            done = await work(server)
            if jobs:
                await CompanyJobs(application, server, config).sweep()
            return done
        finally:
            await accounts.close()

    try:
        return anyio.run(run)
    except StoreAway as error:
        fail(f"{error} What was done until then stays done; run this again.")


def _row(grant: GrantSeen) -> dict[str, object]:
    return {**asdict(grant), "created": _moment(grant.created), "last_used": _moment(grant.last_used)}


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
