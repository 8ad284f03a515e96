"""The authorization server as routes see it: values in, values out. Every method that touches the store may raise StoreAway."""

from collections.abc import Callable, Mapping
from time import time

import httpx2

from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.authorization.config import AuthorizationConfig
from klaviyo_mcp.authorization.levels import Level
from klaviyo_mcp.authorization.metadata_fetch import Resolver, resolved
from klaviyo_mcp.authorization.replies import (
    Access,
    Choice,
    ConnectedClient,
    ConsentPage,
    ErrorPage,
    JsonReply,
    Pairs,
    Redirect,
    Removal,
    Session,
)
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Registry


class AuthorizationServer:
    """OAuth 2.1 for MCP clients, with Klaviyo behind it. Needs nothing but the vault's store; keeps no state itself."""

    def __init__(
        self,
        config: AuthorizationConfig,
        vault: Vault,
        endpoint: Endpoint,
        registry: Registry,
        *,
        clock: Callable[[], float] = time,
        resolver: Resolver = resolved,
        metadata_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """`vault` keeps Klaviyo's tokens, one record per grant under its id, and its store keeps all else.

        `endpoint` is how Klaviyo is reached. `resolver` gives the addresses of a host, and `metadata_transport` fetches
        metadata documents of clients, from an address that was checked. Raises ValueError for a config that is wrong.
        """

    # Documents and challenges: no store.

    def authorization_server_metadata(self) -> JSON:
        """RFC 8414, served at /.well-known/oauth-authorization-server and at /.well-known/openid-configuration."""
        raise NotImplementedError

    def protected_resource_metadata(self) -> JSON:
        """RFC 9728, served at /.well-known/oauth-protected-resource/mcp and without /mcp."""
        raise NotImplementedError

    def challenge(self, *, invalid_token: bool = False) -> str:
        """WWW-Authenticate of a 401: without credentials, or for a token that is not accepted."""
        raise NotImplementedError

    def step_up(self, access: Access, action: str) -> str | None:
        """WWW-Authenticate of a 403 when the action (name or alias) needs a higher level; None when it may be called.

        An unknown action needs nothing: what it is called is told further in.
        """
        raise NotImplementedError

    def choices(self, suggested: Level = "klaviyo:read") -> tuple[Choice, ...]:
        """The three levels for a page to offer."""
        raise NotImplementedError

    # The browser.

    async def authorize(self, query: Pairs) -> Redirect | ErrorPage:
        """GET /authorize: 303 to /consent?t=…, or back to the client with an error, or a page when it is not proven."""
        raise NotImplementedError

    async def consent_shown(self, transaction: str, cookies: Mapping[str, str]) -> ConsentPage | ErrorPage:
        """GET /consent?t=…: what to show. Each time with a CSRF token and a cookie of its own."""
        raise NotImplementedError

    async def consent_given(self, form: Pairs, cookies: Mapping[str, str]) -> Redirect | ErrorPage:
        """POST /consent: on to Klaviyo, or back to the client with access_denied; 403 without the cookie of the page."""
        raise NotImplementedError

    async def connect(self, level: str) -> Redirect | ErrorPage:
        """POST of the connect page: on to Klaviyo without an MCP client; ends with a session, at /manage."""
        raise NotImplementedError

    async def callback(self, query: Pairs, cookies: Mapping[str, str]) -> Redirect | ErrorPage:
        """GET /oauth/klaviyo/callback: back to the client with a code or an error, or to /manage with a session."""
        raise NotImplementedError

    # The manage page.

    async def session(self, cookies: Mapping[str, str]) -> Session | None:
        """Whose manage page it is; None without a session."""
        raise NotImplementedError

    def csrf_holds(self, session: Session, given: str) -> bool:
        """Whether a form of the manage page was made for this session. Asked before each of the three below."""
        raise NotImplementedError

    async def sign_out(self, cookies: Mapping[str, str]) -> Redirect:
        """End the session, if there is one; 303 to /."""
        raise NotImplementedError

    async def connected_clients(self, session: Session) -> list[ConnectedClient]:
        """The grants of the session's account, newest first."""
        raise NotImplementedError

    async def disconnect(self, session: Session, grant_id: str) -> Removal | None:
        """Delete one grant, and tell Klaviyo when it was the company's last; None when the session has no such grant."""
        raise NotImplementedError

    async def remove(self, session: Session) -> Removal:
        """Delete all grants of the account and remove the app from Klaviyo."""
        raise NotImplementedError

    # Clients, without a browser.

    async def register(self, body: bytes) -> JsonReply:
        """POST /register (RFC 7591)."""
        raise NotImplementedError

    async def token(self, form: Pairs, headers: Mapping[str, str]) -> JsonReply:
        """POST /token; `headers` with lower-case names. Store trouble is answered here, with 503."""
        raise NotImplementedError

    async def revoke(self, form: Pairs, headers: Mapping[str, str]) -> JsonReply:
        """POST /revoke (RFC 7009); `headers` with lower-case names. Store trouble is answered here, with 503."""
        raise NotImplementedError

    # The resource server.

    async def verify(self, bearer: str) -> Access | None:
        """What an access token stands for; None for one that is not accepted (401). Raises StoreAway (503).

        An answer is remembered for up to 5 s in this process.
        """
        raise NotImplementedError

    async def lost(self, grant_id: str, reason: str) -> bool:
        """Klaviyo does not accept the grant any more: whether another grant of the company could stand in for it.

        If none can, its tokens are not accepted from now on, here at once and elsewhere within 5 s. `reason` is told on
        the manage page. To be called when a call failed with ReconnectNeeded, or with a 401 that survived a refresh.
        """
        raise NotImplementedError

    # Upkeep.

    async def sweep(self) -> int:
        """Remove what has expired and what a death left behind; how much that was. Once an hour, on any instance."""
        raise NotImplementedError
