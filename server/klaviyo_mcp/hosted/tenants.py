"""Whose account a request is for: that of its grant, and no other."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.errors import NoAccount, UnknownAccount
from klaviyo_mcp.accounts.permissions import Denial, GrantedAccess
from klaviyo_mcp.accounts.records import Connection
from klaviyo_mcp.authorization.levels import Level, highest
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.words import in_hosted_words
from klaviyo_mcp.loose_json import mapping
from klaviyo_mcp.runtime.answering import Response


class GrantAccount:
    """The one account that a grant is for. No call names it, and none can name another."""

    can_be_named = False

    def __init__(
        self, connected: ConnectedAccounts, authorization: AuthorizationServer, token: AccessToken | None
    ) -> None:
        """`connected` are all that are open, whosever; no token is a request that came past the gate."""
        self._connected = connected
        self._authorization = authorization
        self._grant_id = token.subject if token else None
        self._level: Level = highest(token.scopes if token else ())

    async def names(self) -> list[str]:
        """Its connection's."""
        return [self._grant_id] if self._grant_id else []

    async def default(self) -> str | None:
        """Its connection's."""
        return self._grant_id

    async def find(self, name: str | None = None) -> Account:
        """The account. Raises AccountProblem."""
        if self._grant_id is None:
            raise NoAccount("This request has no grant.")
        if name not in (None, self._grant_id):
            raise UnknownAccount("A call is for the account of its own connection, and for no other.")
        account = await self._connected.find(self._grant_id)
        assert isinstance(account.access, GrantedAccess)  # noqa: S101 - all of them are connected by OAuth
        return replace(account, access=LevelAccess(account.access, self._authorization, self._level))

    def interrupt(self) -> None:
        """Not for one grant alone."""

    async def close(self) -> None:
        """Not for one grant alone."""


class LevelAccess(GrantedAccess):
    """What a token allows: what its grant does, and of that no more than its level.

    Asked for whatever a call is made of, and also where it is another's token that is confirmed: some actions change
    something and need no scope at Klaviyo.
    """

    def __init__(self, grant: GrantedAccess, authorization: AuthorizationServer, level: Level) -> None:
        """`grant` is what Klaviyo allows."""
        super().__init__(grant.name, grant.granted)
        self._authorization = authorization
        self._level: Level = level

    def denial(self, action: str, needed: Sequence[str]) -> Denial | None:
        """See GrantedAccess."""
        if (level := self._authorization.higher_level(self._level, action)) is not None:
            words = f"{action} needs the level {level}; this connection has {self._level}."
            return Denial((), words, "Tell the user: they connect again and choose a higher level.")
        return super().denial(action, needed)


def company_of(connection: Connection) -> str:
    """What an account is called in logs and in the audit: Klaviyo's id of the company, which no person has chosen."""
    return connection.company.account_id or connection.name


class Tenants:
    """What a server asks for each request, and does after each call."""

    def __init__(self, connected: ConnectedAccounts, authorization: AuthorizationServer, manage_url: str) -> None:
        """`manage_url` is where a person sees what is connected."""
        self._connected = connected
        self._authorization = authorization
        self._manage_url = manage_url

    def of(self, _context: ServerRequestContext[Any]) -> GrantAccount:
        """The account of a request's token."""
        return GrantAccount(self._connected, self._authorization, get_access_token())

    async def after(self, _context: ServerRequestContext[Any], response: Response) -> Response:
        """End a grant that Klaviyo has ended, and say what is wrong in words for clients."""
        if not response.is_error:
            return response
        again, token = False, get_access_token()
        code = mapping(response.answer.data.get("error")).get("code")
        if code == "reconnect_needed" and token and token.subject:
            again = await self._authorization.lost(token.subject, "Klaviyo does not accept it any more")
        challenge = self._authorization.challenge(invalid_token=True)
        return in_hosted_words(response, self._manage_url, again=again, challenge=challenge)
