"""The authorization server as routes see it: values in, values out. What touches the store may raise StoreAway."""

from collections.abc import Awaitable, Callable, Mapping
from time import time

import httpx2

from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.authorization import documents
from klaviyo_mcp.authorization.browser import Browser, repeated
from klaviyo_mcp.authorization.client_documents import ClientDocuments
from klaviyo_mcp.authorization.clients import Clients, known_clients
from klaviyo_mcp.authorization.codes import Codes
from klaviyo_mcp.authorization.config import AuthorizationConfig, checked
from klaviyo_mcp.authorization.cookies import Cookies
from klaviyo_mcp.authorization.errors import OAuthProblem, StoreAway
from klaviyo_mcp.authorization.grants import Grants, Standing
from klaviyo_mcp.authorization.levels import LOWEST, Level, Levels, rank, up_to
from klaviyo_mcp.authorization.managing import Managing
from klaviyo_mcp.authorization.metadata_fetch import MetadataFetch, Resolver, resolved
from klaviyo_mcp.authorization.operating import Operating
from klaviyo_mcp.authorization.pacing import OwnPace, Pace
from klaviyo_mcp.authorization.records import Records
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
from klaviyo_mcp.authorization.sealing import Sealing
from klaviyo_mcp.authorization.sessions import Sessions
from klaviyo_mcp.authorization.tokens import Lives, Tokens
from klaviyo_mcp.authorization.transactions import Transactions
from klaviyo_mcp.authorization.upstream import Upstream
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Registry

PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class AuthorizationServer:
    """OAuth 2.1 for MCP clients, with Klaviyo behind it. All that lasts is in the vault's store.

    `operating` is for whoever runs it, and for no route.
    """

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
        pace: Pace | None = None,
    ) -> None:
        """`vault` keeps Klaviyo's tokens, one record per grant under its id, and its store keeps all else.

        `endpoint` is how Klaviyo is reached. `resolver` gives the addresses of a host, and `metadata_transport` fetches
        metadata documents of clients, from an address that was checked. `pace` counts what is limited, by
        default in this process alone. Raises ValueError for a config that is wrong.
        """
        self._config = config = checked(config)
        sealing = Sealing(config.secrets)
        self._records = records = Records(vault.store, sealing, clock)
        cookies = Cookies(sealing, secure=config.secure)
        self._levels = Levels(registry, config.scopes_left_out)
        fetch = MetadataFetch(resolver, metadata_transport)
        pace = pace or OwnPace(clock)
        self._clients = Clients(
            records,
            ClientDocuments(records, fetch, config.redirect_schemes, pinned=config.pinned, pace=pace, clock=clock),
            config.redirect_schemes,
            known=known_clients(config.clients, config.redirect_schemes),
            audiences=(config.issuer, documents.token_endpoint(config)),
            clock=clock,
        )
        self._grants = Grants(records, vault, api_url=config.api_url, app_scope=config.app_scope, clock=clock)
        lives = Lives(config.access_life, config.refresh_life)
        self._tokens = Tokens(records, self._grants, config.resource, lives, pace, clock)
        self._codes = Codes(records, self._tokens, config.resource)
        self._sessions = Sessions(records, cookies, sealing, clock)
        upstream = Upstream(config, endpoint)
        self._managing = Managing(self._grants, self._tokens, upstream)
        self.operating = Operating(self._grants, self._tokens, upstream)
        self._browser = Browser(
            config,
            self._clients,
            self._grants,
            self._codes,
            Transactions(records, cookies),
            self._sessions,
            cookies,
            upstream,
            self._levels,
            clock,
        )

    # Documents and challenges: no store.

    def authorization_server_metadata(self) -> JSON:
        """RFC 8414, served at /.well-known/oauth-authorization-server and at /.well-known/openid-configuration."""
        return documents.authorization_server(self._config)

    def protected_resource_metadata(self) -> JSON:
        """RFC 9728, served at /.well-known/oauth-protected-resource/mcp and without /mcp."""
        return documents.protected_resource(self._config)

    def challenge(self, *, invalid_token: bool = False) -> str:
        """WWW-Authenticate of a 401: without credentials, or for a token that is not accepted."""
        error = ("invalid_token", "The access token is not accepted: refresh it, or authorize again.")
        return documents.challenge(self._config, [LOWEST], *(error if invalid_token else ()))

    def step_up(self, access: Access, action: str) -> str | None:
        """WWW-Authenticate of a 403 when the action (name or alias) needs a higher level; None when it may be called.

        An unknown action needs nothing: what it is called is told further in.
        """
        needed = self.higher_level(access.level, action)
        if needed is None:
            return None
        description = f"This action needs {needed}; nothing was sent to Klaviyo."
        return documents.challenge(self._config, up_to(needed), "insufficient_scope", description)

    def higher_level(self, level: Level, action: str) -> Level | None:
        """The level that an action (name or alias) needs where that is more than `level`, None where it is not."""
        needed = self._levels.needed(action)
        return needed if needed is not None and rank(needed) > rank(level) else None

    def choices(self, suggested: Level = LOWEST) -> tuple[Choice, ...]:
        """The three levels for a page to offer."""
        return self._browser.choices(suggested)

    # The browser.

    async def authorize(self, query: Pairs) -> Redirect | ErrorPage:
        """GET /authorize: 303 to /consent?t=…, or back to the client with an error, or a page when it is not proven."""
        return await self._browser.authorize(query)

    async def consent_shown(self, transaction: str, cookies: Mapping[str, str]) -> ConsentPage | ErrorPage:
        """GET /consent?t=…: what to show. Each time with a CSRF token and a cookie of its own."""
        return await self._browser.consent_shown(transaction, cookies)

    async def consent_given(self, form: Pairs, cookies: Mapping[str, str]) -> Redirect | ErrorPage:
        """POST /consent: on to Klaviyo, or back to the client with access_denied; 403 without its cookie."""
        return await self._browser.consent_given(form, cookies)

    async def connect(self, level: str, cookies: Mapping[str, str] | None = None) -> Redirect | ErrorPage:
        """POST of the connect page: on to Klaviyo without an MCP client; ends with a session, at /manage."""
        return await self._browser.connect(level, cookies or {})

    async def callback(self, query: Pairs, cookies: Mapping[str, str]) -> Redirect | ErrorPage:
        """GET /oauth/klaviyo/callback: back to the client with a code or an error, or to /manage with a session."""
        return await self._browser.callback(query, cookies)

    # The manage page.

    async def session(self, cookies: Mapping[str, str]) -> Session | None:
        """Whose manage page it is; None without a session."""
        return await self._sessions.find(cookies)

    def csrf_holds(self, session: Session, given: str) -> bool:
        """Whether a form of the manage page was made for this session. Asked before each of the three below."""
        return self._sessions.csrf_holds(session, given)

    async def sign_out(self, cookies: Mapping[str, str]) -> Redirect:
        """End the session, if there is one; 303 to /."""
        return Redirect(f"{self._config.issuer}/", (await self._sessions.end(cookies),), "signed_out")

    async def connected_clients(self, session: Session) -> list[ConnectedClient]:
        """The grants of the session's account, newest first."""
        return await self._managing.connected_clients(session)

    async def level_of(self, grant_id: str) -> Level | None:
        """The level of a grant, None for one that is gone or that Klaviyo is known to refuse."""
        grant = await self._grants.get(grant_id)
        return grant.level if grant is not None and grant.reconnect is None else None

    async def standing(self, account_id: str) -> Standing:
        """Whether anybody has a grant for this account, and one that Klaviyo is not known to refuse."""
        return await self._grants.standing(account_id)

    async def disconnect(self, session: Session, grant_id: str) -> Removal | None:
        """Delete one grant; Klaviyo is told of the last. None when the session has no such grant."""
        return await self._managing.disconnect(session, grant_id)

    async def remove(self, session: Session) -> Removal:
        """Delete all grants of the account and remove the app from Klaviyo."""
        return await self._managing.remove(session)

    # Clients, without a browser.

    async def register(self, body: bytes) -> JsonReply:
        """POST /register (RFC 7591). Store trouble is answered here, with 503."""
        return await _replied(lambda: self._clients.register(body), 201)

    async def token(self, form: Pairs, headers: Mapping[str, str]) -> JsonReply:
        """POST /token; `headers` with lower-case names. Store trouble is answered here, with 503."""
        return await _replied(lambda: self._token(form, headers))

    async def revoke(self, form: Pairs, headers: Mapping[str, str]) -> JsonReply:
        """POST /revoke (RFC 7009); `headers` with lower-case names. Store trouble is answered here, with 503."""
        return await _replied(lambda: self._revoke(form, headers))

    # The resource server.

    async def verify(self, bearer: str) -> Access | None:
        """What an access token stands for; None for one that is not accepted (401). Raises StoreAway (503).

        An answer is remembered for up to 5 s in this process.
        """
        return await self._tokens.verify(bearer)

    async def lost(self, grant_id: str, reason: str) -> bool:
        """Klaviyo does not accept the grant any more: whether another grant of the company could stand in for it.

        If none can, its tokens are not accepted from now on, here at once and elsewhere within 5 s. `reason` is told on
        the manage page. To be called when a call failed with ReconnectNeeded, or with a 401 that survived a refresh.
        """
        return await self._tokens.lost(grant_id, reason)

    # Upkeep.

    async def check(self) -> None:
        """Whether the store can be used: readiness. Raises StoreAway."""
        await self._records.check()

    async def sweep(self) -> int:
        """Remove what has expired; how many pairs of tokens that were. Once an hour, on any instance."""
        await self._records.sweep()
        return await self._grants.sweep()

    async def reseal(self) -> int:
        """Seal anew, with the first secret, all that outlives a day. Returns how many records hung on no grant."""
        await self._grants.sweep()
        return await self._records.reseal()

    async def _token(self, form: Pairs, headers: Mapping[str, str]) -> JSON:
        given = _single(form)
        grant_type = given.get("grant_type")
        if not grant_type:
            raise OAuthProblem("invalid_request", "grant_type is missing.")
        client = await self._clients.authenticated(given, headers)
        if grant_type == "authorization_code":
            answer = await self._codes.exchanged(client, given)
        elif grant_type == "refresh_token":
            answer = await self._tokens.refreshed(client, given)
        else:
            raise OAuthProblem("unsupported_grant_type", "grant_type has to be authorization_code or refresh_token.")
        await self._clients.used(client)
        return answer

    async def _revoke(self, form: Pairs, headers: Mapping[str, str]) -> JSON | None:
        given = _single(form)
        client = await self._clients.authenticated(given, headers)
        if not given.get("token"):
            raise OAuthProblem("invalid_request", "token is missing.")
        await self._tokens.revoke(client, given["token"])
        return None


async def _replied(made: Callable[[], Awaitable[JSON | None]], status: int = 200) -> JsonReply:
    """What was made as an answer, and whatever went wrong as one of OAuth's errors."""
    try:
        return JsonReply(status, await made(), PRIVATE, "done")
    except OAuthProblem as error:
        body: JSON = {"error": error.error, "error_description": error.description}
        return JsonReply(error.status, body, {**PRIVATE, **error.headers}, error.error)
    except StoreAway as error:
        body = {"error": "temporarily_unavailable", "error_description": "Nothing was changed. Try again in a moment."}
        return JsonReply(503, body, {**PRIVATE, "Retry-After": str(error.retry_after)}, "store_away")


def _single(form: Pairs) -> dict[str, str]:
    """A form as a mapping. Raises OAuthProblem for what stands there twice (RFC 6749, section 3.2)."""
    if twice := repeated(form):
        raise OAuthProblem("invalid_request", f"These stand there twice: {', '.join(sorted(twice))}.")
    return {name: value for name, value in form if value}
