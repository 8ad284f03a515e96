"""`klaviyo-mcp connect`: consent in a browser or an API key from a prompt, and the account is in the vault."""

import getpass
import os
import sys
import webbrowser
from dataclasses import dataclass
from typing import Annotated

import anyio
import typer
from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.connect import described, give_back, join, whose
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.errors import NameTaken
from klaviyo_mcp.accounts.oauth import Consent, GrantRefused, OAuthApp, OAuthFailed, klaviyo_app
from klaviyo_mcp.accounts.records import NAME, ApiKey, Connection, Secret
from klaviyo_mcp.accounts.tokens import new_grant
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.cli.output import fail, warn
from klaviyo_mcp.cli.scope_choice import choose_scopes, told
from klaviyo_mcp.klaviyo.errors import AuthenticationFailed, KlaviyoError
from klaviyo_mcp.klaviyo.route import check_route
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.runtime.assembly import oauth_app_of, vault_of
from klaviyo_mcp.runtime.listening import listen
from klaviyo_mcp.runtime.settings import (
    Settings,
    SettingsError,
    foreign_variables,
    is_loopback,
    read_settings,
    refuse_placeholder,
)
from klaviyo_mcp.web.callback import PATH, ConnectOutcome, ConsentAnswer, callback_app, query_of

app = typer.Typer()
HOST = "127.0.0.1"
PATIENCE = 600.0
"""Seconds to wait for a person to consent."""
ATTEMPTS = 3
"""How often an address may be pasted."""


@app.command(epilog="Example: klaviyo-mcp connect --name my-shop --scopes read")
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
        int, typer.Option(min=1, max=65535, help="Port of the redirect URI, on 127.0.0.1 with the path /callback.")
    ] = 8971,
    api_key: Annotated[
        bool, typer.Option("--api-key", help="Connect with a private API key, from a prompt or stdin.")
    ] = False,
) -> None:
    """Connect a Klaviyo account: consent in the browser, or an API key."""
    options = ConnectOptions(name, scopes, not no_browser, port)
    outcome = run_connect_key(name) if api_key else run_connect(options)
    if not outcome.worked:
        fail(f"{outcome.title}. {outcome.text}\nNext: {outcome.advice}")
    print(f"{outcome.text}\n{outcome.advice}")


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """What was asked for on the command line."""

    name: str | None
    scopes: str
    browser: bool
    port: int


def run_connect(options: ConnectOptions) -> ConnectOutcome:
    """Connect with OAuth. Raises SettingsError, or KlaviyoError when nothing can be kept."""
    settings, vault = _ready(options.name)
    client = oauth_app_of(settings)
    redirect_uri = f"http://{HOST}:{options.port}{PATH}"
    if client is None:
        raise SettingsError(
            "Connecting needs an OAuth app of yours. Make one at https://www.klaviyo.com/manage-apps, register "
            f"the redirect URI {redirect_uri} there, and set KLAVIYO_CLIENT_ID and KLAVIYO_CLIENT_SECRET to its own.\n"
            "Or connect with a private API key: klaviyo-mcp connect --api-key"
        )
    scopes = choose_scopes(options.scopes, load_catalogue())
    app = klaviyo_app(*client, base_url=settings.klaviyo_oauth_base_url)
    consent = app.consent(redirect_uri, scopes)

    async def flow() -> ConnectOutcome:
        await vault.prepare()
        finish = _Finish(settings, vault, app, consent, options.name)
        answer = ConsentAnswer(consent.state, finish.with_code)
        try:
            if options.browser:
                return await _in_browser(consent, answer, options.port)
            return await _pasted(consent, answer)
        finally:
            await vault.close()

    return anyio.run(flow)


def run_connect_key(name: str | None) -> ConnectOutcome:
    """Connect with a private API key from a prompt, or from stdin when that is no terminal."""
    settings, vault = _ready(name)
    text = ask_for_key()
    _only_tls(settings, text)

    async def flow() -> Connection:
        try:
            await vault.prepare()
            key = ApiKey(Secret(text))
            async with Endpoint(settings.klaviyo_base_url) as endpoint:
                company = await whose(key, endpoint)
            return await join(vault, key, company, base_url=settings.klaviyo_base_url, name=name)
        finally:
            await vault.close()

    try:
        return _connected(anyio.run(flow))
    except AuthenticationFailed:
        text = "Klaviyo does not accept this key. Nothing was kept."
        return ConnectOutcome(False, "Not connected", text, "Copy it again: private keys start with pk_.")


def ask_for_key() -> str:
    """A private API key from a prompt, or from stdin that is no terminal. Raises SettingsError for what is none."""
    if sys.stdin.isatty():
        text = getpass.getpass("Private API key (starts with pk_; it is not shown): ")
    else:
        text = sys.stdin.readline()
    return checked_key(text)


def checked_key(text: str) -> str:
    """A private API key as it was given. Raises SettingsError for what is none."""
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise SettingsError("That is not an API key. Klaviyo shows private keys under Settings > API keys.")
    try:
        refuse_placeholder(text)
    except ValueError as error:
        raise SettingsError(f"That is not an API key: it {error}.") from None
    return text


def _ready(name: str | None) -> tuple[Settings, Vault]:
    settings = read_settings()
    warn(foreign_variables())
    # Whoever consents or types a key would do so in vain.
    check_route(settings.klaviyo_base_url)
    if name is not None and not NAME.fullmatch(name):
        raise SettingsError(f"--name {name!r}: use up to 40 lower-case letters, digits, - and _, such as acme-shop.")
    return settings, vault_of(settings)


def _only_tls(settings: Settings, key: str) -> None:
    url = settings.klaviyo_base_url
    if url.startswith("http:") and not key.startswith("pk_sandbox") and not is_loopback(url[7:].split(":")[0]):
        raise SettingsError("KLAVIYO_BASE_URL must be https: over http the API key could be read on the way")


@dataclass(frozen=True, slots=True)
class _Finish:
    """What is left to do once there is a code."""

    settings: Settings
    vault: Vault
    app: OAuthApp
    consent: Consent
    name: str | None

    async def with_code(self, code: str) -> ConnectOutcome:
        """Tokens, whose account it is, and into the vault. Whatever goes wrong is told, and nothing half is kept."""
        again = "Run klaviyo-mcp connect again."
        try:
            tokens = await self.app.exchange(code, self.consent)
        except GrantRefused:
            text = "Klaviyo did not accept the code: it has expired, or was used before. Nothing was connected."
            return ConnectOutcome(False, "The sign-in took too long", text, again)
        except OAuthFailed as error:
            return ConnectOutcome(False, "Klaviyo gave no access token", f"{error} Nothing was connected.", again)
        grant = new_grant(self.app, tokens)
        base_url = self.settings.klaviyo_base_url
        try:
            async with Endpoint(base_url) as endpoint:
                company = await whose(grant, endpoint)
            try:
                connection = await join(self.vault, grant, company, base_url=base_url, name=self.name)
            except NameTaken:
                await give_back(self.app, grant, self.vault, company)
                raise
        except KlaviyoError as error:
            return ConnectOutcome(False, "Not connected", error.message, error.advice or again)
        return _connected(connection)


def _connected(connection: Connection) -> ConnectOutcome:
    company = connection.company
    kind = " It is a test account." if company.test_account else ""
    grant = connection.grant
    may = f"It may {told(grant.scopes)}." if grant else "What the key may do shows when it is used."
    return ConnectOutcome(
        True,
        f"Connected: {described(company)}",
        f"The account {described(company)} is connected as '{connection.name}'.{kind} {may}",
        "Agents and commands use it from now on. See all with: klaviyo-mcp accounts",
    )


async def _in_browser(consent: Consent, answer: ConsentAnswer, port: int) -> ConnectOutcome:
    """Open the consent page, and wait for the browser to come back to the loopback address."""
    import uvicorn  # only for consent in a browser

    listener = listen(HOST, port)
    config = uvicorn.Config(
        callback_app(answer), log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=3
    )
    server = uvicorn.Server(config)
    _say(
        f"Klaviyo will send the browser back to {consent.redirect_uri}; that must be a redirect URI of your app.\n"
        f"Consent here, if no browser opens by itself:\n{consent.url}\n"
        "Waiting for your answer… (Ctrl-C gives up; --no-browser is for machines without a browser)"
    )
    with anyio.move_on_after(PATIENCE):
        async with anyio.create_task_group() as group:

            async def serve() -> None:
                await server.serve(sockets=[listener])
                group.cancel_scope.cancel()

            group.start_soon(serve)
            if _has_browser():
                await run_sync(webbrowser.open, consent.url)
            await answer.ended.wait()
            # The page is still on its way to the browser: the server ends by itself when it has been sent.
            server.should_exit = True
    listener.close()
    if answer.ending is None:
        minutes = f"{PATIENCE / 60:.0f} minutes"
        return ConnectOutcome(
            False, "Not connected", f"No answer came from the browser within {minutes}.", "Connect again."
        )
    return answer.ending


async def _pasted(consent: Consent, answer: ConsentAnswer) -> ConnectOutcome:
    """Print the address of the consent page, and take the one that the browser ends at."""
    _say(
        f"Open this in a browser on any machine:\n{consent.url}\n\n"
        f"After you allow it, the browser goes to {consent.redirect_uri}?… and may not be able to show it.\n"
        "Copy that whole address and paste it here:"
    )
    for _ in range(ATTEMPTS):
        line = await run_sync(sys.stdin.readline, abandon_on_cancel=True)
        if not line:
            break
        ending = await answer.take(query_of(line))
        if answer.ending is not None:
            return ending
        _say(f"{ending.title}. {ending.advice}\nPaste the address again:")
    return ConnectOutcome(False, "Not connected", "No address with Klaviyo's answer was pasted.", "Connect again.")


def _has_browser() -> bool:
    """Whether opening a browser can show something: on Linux that needs a display, or a choice of the user's."""
    shown = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return shown or not sys.platform.startswith("linux")


def _say(text: str) -> None:
    print(text, flush=True)
