"""An OAuth grant as credentials on a request: tokens are renewed before they expire, once for all who wait for them.

The pair in the vault is the true one. A new pair is kept there before it is used, under a lock that all processes
share, so that a process can die at any instant and the grant still works. Klaviyo allows about ten refreshes a minute:
a failure is remembered for a while instead of being tried again by every call.
"""

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from time import time

import anyio
import httpx2

from klaviyo_mcp.accounts.errors import ReconnectNeeded, RefreshFailing, UnknownAccount, VaultProblem
from klaviyo_mcp.accounts.oauth import GrantRefused, OAuthApp, OAuthFailed, Tokens
from klaviyo_mcp.accounts.records import Connection, Grant, Secret
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.klaviyo.errors import AuthenticationFailed
from klaviyo_mcp.klaviyo.replies import refusal_of
from klaviyo_mcp.klaviyo.watching import watcher

MARGIN = 300.0
"""Seconds before its expiry from which a token is renewed: clocks of machines that share a vault may differ so much."""
PAUSE = 15.0
"""Seconds after a failed refresh in which it is not tried again."""
FRESH = 30.0
"""Seconds in which a token that was just renewed is not renewed again because of a 401: the token is not the reason."""

MakeApp = Callable[[Grant], OAuthApp]


class TokenKeeper:
    """The tokens of one connection in this process, backed by the vault."""

    def __init__(self, vault: Vault, connection: Connection, app: MakeApp, clock: Callable[[], float] = time) -> None:
        """`connection` is what the vault had a moment ago; its grant is used until it has to be renewed."""
        self._vault = vault
        self._known = connection
        self._app = app
        self._clock = clock
        self._flight = anyio.Lock()

    def scopes(self) -> tuple[str, ...]:
        """What the grant allows, as far as this process knows."""
        return _grant(self._known).scopes

    def adopt(self, connection: Connection) -> None:
        """Take over what the vault has by now: the account may have been connected again, or its token renewed."""
        self._known = connection

    async def access_token(self) -> Secret:
        """A token that will be valid for a while. Raises ReconnectNeeded, RefreshFailing or VaultProblem."""
        grant = _grant(self._known)
        if grant.reconnect is None and self._clock() < _renew_at(grant):
            return grant.access_token
        return await self._renewed(grant.access_token, refused=False)

    async def after_refusal(self, token: Secret) -> Secret | None:
        """Another token after Klaviyo refused this one with 401; None when there is no better one to be had."""
        grant = _grant(self._known)
        if grant.access_token == token and self._clock() < grant.refreshed_at + FRESH:
            return None
        return await self._renewed(token, refused=True)

    async def _renewed(self, stale: Secret, *, refused: bool) -> Secret:
        async with self._flight:
            grant = _grant(self._known)
            if grant.access_token != stale and grant.reconnect is None and self._clock() < _renew_at(grant):
                return grant.access_token
            try:
                return await self._renew_in_vault(stale)
            except (RefreshFailing, VaultProblem):
                if refused or grant.reconnect is not None or self._clock() >= grant.expires_at:
                    raise
                # It is renewed early so that this can be borne: the present token still works.
                return grant.access_token

    async def _renew_in_vault(self, stale: Secret) -> Secret:
        """Under the lock that all processes share, look first whether another one has done it already."""
        name = self._known.name
        if (found := await self._usable(stale)) is not None:
            return found
        async with self._vault.lock(name):
            if (found := await self._usable(stale)) is not None:
                return found
            grant = _grant(self._known)
            if grant.failed_at is not None and self._clock() < grant.failed_at + PAUSE:
                raise _failing(self._known)
            # Once the endpoint has answered, the pair is kept, even if the call it is for was cancelled meanwhile.
            with anyio.CancelScope(shield=True):
                await self._refresh(grant)
        return _grant(self._known).access_token

    async def _refresh(self, grant: Grant) -> None:
        try:
            tokens = await self._app(grant).refresh(grant.refresh_token, grant.scopes)
        except GrantRefused:
            _tell("refused")
            await self._keep(reconnect="Klaviyo does not accept the grant any more (invalid_grant)")
            raise _reconnect(self._known) from None
        except OAuthFailed as error:
            _tell("failed")
            await self._keep(failed_at=self._clock(), failure=str(error))
            raise _failing(self._known) from None
        _tell("ok")
        await self._keep(**_changes(tokens))

    async def _usable(self, stale: Secret) -> Secret | None:
        """The vault's present token if it is another one than `stale` and not about to expire."""
        name = self._known.name
        connection = await self._vault.read(name)
        if connection is None or connection.grant is None:
            raise UnknownAccount(f"{name!r} was disconnected. To connect it: klaviyo-mcp connect --name {name}")
        if connection.company.account_id != self._known.company.account_id:
            # The call was meant for the company that had this name before.
            raise UnknownAccount(f"{name!r} is now another company's account. Look at it before you call again.")
        self._known = connection
        grant = connection.grant
        if grant.reconnect is not None:
            raise _reconnect(connection)
        if grant.access_token != stale and self._clock() < _renew_at(grant):
            return grant.access_token
        return None

    async def _keep(self, **changes: object) -> None:
        changed = self._known.with_grant(**changes)
        await self._vault.write(changed)
        self._known = changed


class OAuthAuth(httpx2.Auth):
    """A bearer token. It goes to /api and nowhere else: /client endpoints are public and take a company id."""

    requires_request_body = True

    def __init__(self, keeper: TokenKeeper) -> None:
        """`keeper` has the tokens."""
        self._keeper = keeper

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Add a token. A 401 of Klaviyo's says that nothing was done, so the call is repeated once, whatever it is."""
        if not request.url.path.startswith("/api/"):
            yield request
            return
        # The whole body in memory, so that it can be sent a second time.
        await request.aread()
        token = await self._keeper.access_token()
        request.headers["Authorization"] = f"Bearer {token.reveal()}"
        response = yield request
        if response.status_code == 401 and isinstance(refusal_of(response), AuthenticationFailed):
            # Whatever is refused from here on was refused to a token that is seconds old, and the client says so.
            request.extensions["token_is_fresh"] = True
            another = await self._keeper.after_refusal(token)
            if another is not None:
                request.headers["Authorization"] = f"Bearer {another.reveal()}"
                yield request

    def __repr__(self) -> str:
        """Never a token."""
        return "OAuthAuth(…)"


def new_grant(app: OAuthApp, tokens: Tokens) -> Grant:
    """The grant that an exchange led to."""
    return Grant(
        client_id=app.client_id,
        client_secret=app.client_secret,
        token_url=app.token_url,
        revoke_url=app.revoke_url,
        scopes=tokens.scopes,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=tokens.expires_at,
        refreshed_at=tokens.received_at,
    )


def app_of(
    grant: Grant, *, current: tuple[str, Secret] | None = None, transport: httpx2.AsyncBaseTransport | None = None
) -> OAuthApp:
    """The app a grant was given to.

    `current` is the client id and secret of the settings. They win when they are of the same app, whose secret may have
    been changed since.
    """
    secret = current[1] if current is not None and current[0] == grant.client_id else grant.client_secret
    return OAuthApp(grant.client_id, secret, "", grant.token_url, grant.revoke_url, transport)


def _tell(outcome: str) -> None:
    """Whoever watches the call learns how a renewal went."""
    if (looks := watcher.get()) is not None:
        looks.refreshed(outcome)


def _renew_at(grant: Grant) -> float:
    """When to renew: before the expiry by the margin, or by a quarter of a short life."""
    return grant.expires_at - min(MARGIN, (grant.expires_at - grant.refreshed_at) / 4)


def _changes(tokens: Tokens) -> dict[str, object]:
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_at": tokens.expires_at,
        "refreshed_at": tokens.received_at,
        "scopes": tokens.scopes,
        "reconnect": None,
        "failed_at": None,
        "failure": None,
    }


def _grant(connection: Connection) -> Grant:
    if connection.grant is None:
        raise TypeError(f"{connection.name} is not an OAuth connection")
    return connection.grant


def _reconnect(connection: Connection) -> ReconnectNeeded:
    return ReconnectNeeded(
        f"The account {connection.name!r} has to be connected again: {_grant(connection).reconnect}. "
        f"Run: klaviyo-mcp connect --name {connection.name}"
    )


def _failing(connection: Connection) -> RefreshFailing:
    grant = _grant(connection)
    until = datetime.fromtimestamp((grant.failed_at or time()) + PAUSE, UTC)
    return RefreshFailing(
        f"No new access token could be had for the account {connection.name!r}: {grant.failure}", retry_at=until
    )
