"""Whose account a request is for: that of its grant, and no other."""

from typing import Any

from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.auth_context import get_access_token

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.errors import NoAccount, UnknownAccount
from klaviyo_mcp.accounts.records import Connection
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.words import in_hosted_words
from klaviyo_mcp.loose_json import mapping
from klaviyo_mcp.runtime.answering import Response


class GrantAccount:
    """The one account that a grant is for. No call names it, and none can name another."""

    can_be_named = False

    def __init__(self, connected: ConnectedAccounts, grant_id: str | None) -> None:
        """`connected` are all that are open, whosever; None is a request that came past the gate, which has none."""
        self._connected = connected
        self._grant_id = grant_id

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
        return await self._connected.find(self._grant_id)

    def interrupt(self) -> None:
        """Not for one grant alone."""

    async def close(self) -> None:
        """Not for one grant alone."""


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
        token = get_access_token()
        return GrantAccount(self._connected, token.subject if token else None)

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
