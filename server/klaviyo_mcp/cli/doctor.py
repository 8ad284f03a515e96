"""`klaviyo-mcp doctor`: everything a call needs, checked from the bottom up, each fault with the way to mend it."""

import json
import sys
from collections.abc import AsyncGenerator, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Literal

import anyio
import httpx2
import typer

from klaviyo_mcp.accounts.account import Account, Accounts
from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.errors import AccountProblem, CorruptRecord
from klaviyo_mcp.accounts.permissions import GrantedAccess
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.cli.options import JsonFlag
from klaviyo_mcp.klaviyo.errors import (
    AuthenticationFailed,
    FreshTokenRefused,
    KlaviyoError,
    NetworkSettingWrong,
    PermissionDenied,
    Throttled,
)
from klaviyo_mcp.klaviyo.requests import ApiRequest, Reply, WaitBudget
from klaviyo_mcp.klaviyo.route import certificates_variable, check_route
from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.errors import SpecError
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.runtime.assembly import assemble, registry_of
from klaviyo_mcp.runtime.settings import Settings, SettingsError, foreign_variables, read_settings

app = typer.Typer()
Status = Literal["ok", "warning", "problem", "skipped"]
MARKS: dict[Status, str] = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM", "skipped": "skipped"}
SKEW = 30.0
"""Seconds that this machine's clock may differ from Klaviyo's before it is worth a word."""
WRONG_SKEW = 240.0
"""Seconds from which tokens are renewed too late: the margin before an expiry is 300."""
SHORT = 2
"""Seconds of a quota window that is over before anyone could call again."""
PATIENCE = 5.0
"""Seconds that one check may wait for quota."""
LATER = "Try again later; status.klaviyo.com tells of troubles there."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `mend` says what to do unless it is ok."""

    name: str
    status: Status
    detail: str
    mend: str = ""


@app.command(epilog="Example: klaviyo-mcp doctor --json")
def doctor(
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Check this account; the default one if absent.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check everything a call needs, and say how to mend what is wrong; exit 0 when a call would work."""
    checks = examine(account)
    works = not any(check.status == "problem" for check in checks)
    if as_json:
        print(json.dumps({"ok": works, "checks": [asdict(check) for check in checks]}, ensure_ascii=False, indent=2))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{MARKS[check.status]}  {check.name:{width}}  {check.detail}")
            if check.mend:
                print(f"{'':{width + 9}}  → {check.mend}")
        print("A call would work." if works else "A call would not work. Mend the problems above, the first one first.")
    sys.exit(0 if works else 1)


def examine(account: str | None) -> list[Check]:
    """All checks, in order; one that needs what a failed one should have given is left out."""
    try:
        settings = read_settings()
    except SettingsError as error:
        return [Check("configuration", "problem", str(error), "Correct the environment of this process.")]
    checks = [_configuration(settings)]
    checks += [Check("environment", "warning", line, "Unset it if it is meant for us.") for line in foreign_variables()]
    checks.append(_network(settings.klaviyo_base_url))
    if checks[-1].status == "problem":
        return checks
    try:
        actions = registry_of(settings).actions
    except SettingsError as error:
        return [Check("configuration", "problem", str(error), "Correct the environment of this process.")]
    except SpecError as error:
        return [*checks, Check("specs", "problem", str(error), "Run klaviyo-mcp specs check.")]
    checks.append(Check("specs", "ok", f"{len(actions)} actions are described"))
    try:
        application = assemble(account=account)
    except SettingsError as error:
        return [*checks, Check("account", "problem", str(error), "klaviyo-mcp accounts lists the names.")]

    async def ask() -> list[Check]:
        try:
            shared = [check async for check in _shared_quota(settings)]
            return shared + [check async for check in _ask(application.accounts, application.engine, account)]
        finally:
            await application.accounts.close()

    return checks + anyio.run(ask)


def _configuration(settings: Settings) -> Check:
    way = "KLAVIYO_API_KEY is set and is used" if settings.klaviyo_api_key else "accounts of the vault are used"
    return Check("configuration", "ok", f"every setting is understood; {way}")


def _network(base_url: str) -> Check:
    """What the environment says of proxies and certificates."""
    try:
        proxy = check_route(base_url)
    except NetworkSettingWrong as error:
        return Check("network settings", "problem", error.message, error.advice)
    way = f"by the proxy {proxy.place} of {proxy.variable}" if proxy else "without a proxy"
    authorities = certificates_variable() or "the system"
    return Check("network settings", "ok", f"requests go {way}, and the certificates of {authorities} are trusted")


async def _shared_quota(settings: Settings) -> AsyncGenerator[Check]:
    """Where several processes count together: without it each goes on alone, which no call tells."""
    if (url := settings.klaviyo_mcp_quota_url) is None:
        return
    server = QuotaServer(url.get_secret_value())
    if await server.answers():
        yield Check("shared quota", "ok", f"requests are counted in {server.place}")
    else:
        told = f"{server.place} does not answer: each process counts alone, and 429s may come"
        yield Check("shared quota", "problem", told, "Start it, or correct KLAVIYO_MCP_QUOTA_URL.")
    await server.close()


async def _ask(accounts: Accounts, engine: Engine, name: str | None) -> AsyncGenerator[Check]:
    """What has to be asked of the vault and of Klaviyo."""
    if isinstance(accounts, ConnectedAccounts):
        usable = True
        async for check in _vault(accounts):
            usable = usable and check.status != "problem"
            yield check
        if not usable:
            return
    else:
        yield Check("vault", "skipped", "not needed with KLAVIYO_API_KEY")
    try:
        account = await accounts.find(name)
    except KlaviyoError as error:
        yield Check("account", "problem", error.message, error.advice)
        return
    async for check in _klaviyo(account, engine):
        yield check


async def _vault(accounts: ConnectedAccounts) -> AsyncGenerator[Check]:
    vault = accounts.vault
    try:
        places = await vault.key_places()
        names = await vault.names()
    except KlaviyoError as error:
        yield Check("vault", "problem", error.message, error.advice)
        return
    sealed = f"its key is in {places[0]}" if places else "it has no key yet"
    if not names:
        mend = "Run klaviyo-mcp connect, or set KLAVIYO_API_KEY."
        yield Check("vault", "problem", f"{vault.place} has no connected account; {sealed}", mend)
        return
    unreadable: list[str] = []
    for name in names:
        try:
            await vault.read(name)
        except CorruptRecord as error:
            unreadable.append(error.message)
        except KlaviyoError as error:
            yield Check("vault", "problem", error.message, error.advice)
            return
    yield Check("vault", "ok", f"{vault.place} has {len(names)} connected accounts ({', '.join(names)}); {sealed}")
    for message in unreadable:
        yield Check("vault record", "warning", message, "The other accounts are not affected.")
    try:
        vault.store.prepare()
    except KlaviyoError as error:
        yield Check("vault is writable", "warning", f"{error.message} Tokens cannot be renewed.", error.advice)


async def _klaviyo(account: Account, engine: Engine) -> AsyncGenerator[Check]:
    """One request tells about reachability, credentials, clock and quota."""
    seen: list[httpx2.Response] = []
    with account.client.watching(seen.append):
        try:
            reply = await account.client.send(ApiRequest("GET", "/api/accounts"), WaitBudget(PATIENCE))
            problem = None
        except KlaviyoError as error:
            reply, problem = None, error
    if problem is not None and not seen:
        name = "credentials" if isinstance(problem, AccountProblem) else "reachability"
        yield Check(name, "problem", problem.message, problem.advice)
        return
    credentials = _credentials(account, problem)
    if credentials is None:
        message = problem.message if problem else ""
        yield Check("reachability", "problem", message, (problem.advice if problem else "") or LATER)
        return
    yield Check("reachability", "ok", f"{seen[-1].url.host} answers")
    yield credentials
    yield _clock(seen[-1])
    if credentials.status != "ok":
        return
    yield _quota(reply)
    async for check in _scopes(account, engine):
        yield check


def _credentials(account: Account, problem: KlaviyoError | None) -> Check | None:
    """Whether they are accepted; None when the answer does not tell."""
    if problem is None or isinstance(problem, PermissionDenied | Throttled):
        kind = "token" if isinstance(account.access, GrantedAccess) else "API key"
        return Check("credentials", "ok", f"Klaviyo accepts the {kind} of {account.name!r}")
    if isinstance(problem, FreshTokenRefused):
        mend = "Wait some minutes, as it may be an outage of Klaviyo's; if it goes on: klaviyo-mcp connect"
        return Check("credentials", "problem", f"a token that was just renewed is refused: {problem.message}", mend)
    if isinstance(problem, AuthenticationFailed | AccountProblem):
        return Check("credentials", "problem", problem.message, problem.advice)
    return None


def _clock(response: httpx2.Response) -> Check:
    try:
        theirs = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return Check("clock", "skipped", "the answer carries no time")
    skew = (datetime.now(UTC) - theirs.astimezone(UTC)).total_seconds()
    text = f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Klaviyo's"
    if abs(skew) <= SKEW:
        return Check("clock", "ok", "this machine's clock agrees with Klaviyo's")
    return Check(
        "clock", "problem" if abs(skew) > WRONG_SKEW else "warning", text, "Let the system set its clock (NTP)."
    )


def _quota(reply: Reply | None) -> Check:
    if reply is None or reply.quota.remaining is None:
        return Check("quota", "skipped", "Klaviyo did not say how much is left")
    left, limit = reply.quota.remaining, reply.quota.limit
    resets = reply.quota.reset_seconds or 0
    # This check itself uses up a window of a second: none left there is how it should be.
    if left > 0 or resets <= SHORT:
        return Check("quota", "ok", f"{left} of {limit} requests left in the present window, which ends in {resets} s")
    mend = "Wait a minute, and see whether another program uses the same account."
    return Check("quota", "warning", f"none of {limit} requests left for {resets} s", mend)


async def _scopes(account: Account, engine: Engine) -> AsyncGenerator[Check]:
    """Every read scope is tried with the lightest action that needs no other; a write would change something."""
    granted = account.access.granted() if isinstance(account.access, GrantedAccess) else None
    needed = {scope for action in engine.exposed for scope in action.spec.scopes}
    tried = {
        scope: await _try(engine, account, scope) for scope in sorted(granted or needed) if scope.endswith(":read")
    }
    if granted is None:
        working = [scope for scope, outcome in tried.items() if outcome is True]
        refused = [scope for scope, outcome in tried.items() if isinstance(outcome, str)]
        yield Check(
            "scopes",
            "ok" if working else "problem",
            f"the key may use {', '.join(working) or 'nothing'}",
            "" if working else "Make a key with the scopes that are needed.",
        )
        if refused:
            yield Check("scopes refused", "warning", ", ".join(refused), "Use a key that has them, if they are needed.")
        yield Check("write scopes", "skipped", "whether a key may write shows when it does")
        return
    for scope in sorted(granted):
        outcome = tried.get(scope)
        if outcome is True:
            yield Check(scope, "ok", "granted, and works")
        elif isinstance(outcome, str):
            yield Check(scope, "warning", f"granted, and refused: {outcome}", "The account may lack the feature.")
        elif scope.endswith(":read"):
            yield Check(scope, "skipped", "granted; no harmless request tells whether it works")
        else:
            yield Check(scope, "skipped", "granted; trying it would change something")
    if missing := sorted(needed - set(granted)):
        count = sum(bool(set(action.spec.scopes) & set(missing)) for action in engine.exposed)
        yield Check(
            "scopes not granted",
            "warning",
            f"{', '.join(missing)}: {count} actions cannot be used",
            f"If they are wanted: klaviyo-mcp connect --name {account.name} --scopes all",
        )


async def _try(engine: Engine, account: Account, scope: str) -> bool | str | None:
    """True when the scope works, a text when it is refused, None when nothing harmless needs it alone."""
    action = _lightest(engine.registry, scope)
    if action is None:
        return None
    example: JSON = action.spec.examples[0].arguments if action.spec.examples else {}
    arguments: JSON = {name: example[name] for name in action.spec.required if name in example}
    if "page_size" in action.spec.properties:
        arguments["page_size"] = action.spec.properties["page_size"].get("minimum", 1)
    try:
        await engine.run(Call(action.name, arguments), account)
    except PermissionDenied as error:
        return error.message
    except (KlaviyoError, ActionError):
        return None
    return True


def _lightest(registry: Registry, scope: str) -> Action | None:
    """A read that needs this scope alone and no id; a filter is taken from its examples."""
    fitting: Iterable[Action] = (
        action
        for action in registry.actions
        if action.spec.effect == "read"
        and action.http is not None
        and action.http.method == "GET"
        and action.spec.scopes == [scope]
        and set(action.spec.required) <= {"filter"}
        and not action.spec.preconditions
    )
    return min(fitting, key=lambda action: action.name, default=None)
