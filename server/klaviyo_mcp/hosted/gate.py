"""What stands before MCP in the hosted service: a token, and the level that a call needs.

Both are decided before anything is dispatched, as clients act on the status alone: 401 has them authorize, 403 with
`insufficient_scope` has them ask for more, and 503 has them come again. All else would lose tokens that are good.
"""

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthCredentials
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.authorization.errors import StoreAway
from klaviyo_mcp.authorization.replies import Access
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.loose_json import JSON, mapping, text
from klaviyo_mcp.mcp_server.http_access import refusal
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_names import CONFIRM, RUN_TOOLS
from klaviyo_mcp.tools.own_arguments import checked
from klaviyo_mcp.tools.server_tools import own_names

LONGEST_BEARER = 4_096
ACCOUNT = "account"
"""The claim of a token that says whose account it is for."""


class BearerGate:
    """Lets through who has an access token, and says for whom: the SDK's user, whose subject is the grant."""

    def __init__(self, app: ASGIApp, authorization: AuthorizationServer, issuer: str) -> None:
        """`app` comes behind."""
        self._app = AuthContextMiddleware(app)
        self._authorization = authorization
        self._issuer = issuer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        given = _bearer(Headers(scope=scope))
        if given is None:
            await self._unauthorized(invalid_token=False)(scope, receive, send)
            return
        try:
            access = await self._authorization.verify(given) if len(given) <= LONGEST_BEARER else None
        except StoreAway as error:
            await away(error.retry_after)(scope, receive, send)
            return
        if access is None:
            await self._unauthorized(invalid_token=True)(scope, receive, send)
            return
        scope["user"] = AuthenticatedUser(_token(access, self._issuer))
        scope["auth"] = AuthCredentials(list(access.scopes))
        scope.setdefault("state", {})["access"] = access
        await self._app(scope, receive, send)

    def _unauthorized(self, *, invalid_token: bool) -> Response:
        words = (
            "The access token is not accepted: it is over, or the connection was removed. Refresh it, or connect again."
            if invalid_token
            else "Connect first: this server wants an access token, which your client gets by OAuth."
        )
        challenge = self._authorization.challenge(invalid_token=invalid_token)
        return refusal(401, words, {"WWW-Authenticate": challenge})


class LevelCheck:
    """Refuses a call whose action needs a higher level than the token has, so that the client can ask for it.

    That is for the status alone, which clients act on; the account of the call allows no more either.
    """

    def __init__(self, authorization: AuthorizationServer, registry: Registry) -> None:
        """`registry` has the names by which actions and the server's own tools are called."""
        self._authorization = authorization
        self._names = registry.names
        self._own = own_names(registry.names)

    def __call__(self, scope: Scope, message: JSON) -> Response | None:
        """403 for a message that the token's level does not allow."""
        access: Access = scope["state"]["access"]
        for action in self._actions(message):
            if challenge := self._authorization.step_up(access, action):
                words = (
                    f"{action} needs more access than this connection has ({access.level}); nothing was sent to "
                    "Klaviyo. Your client can ask the user for more; or they connect again and choose a higher level."
                )
                return refusal(403, words, {"WWW-Authenticate": challenge}, given=message.get("id"))
        return None

    def _actions(self, message: JSON) -> list[str]:
        """The actions that a message would carry out: the tool itself, or what it runs. A preview carries out none."""
        if message.get("method") != "tools/call":
            return []
        params = mapping(message.get("params"))
        tool, given = text(params.get("name")), mapping(params.get("arguments"))
        if (found := self._names.find(tool)) is not None:
            return [found.name]
        own = self._own.find(tool)
        if own is None or own not in (*RUN_TOOLS.values(), CONFIRM):
            return []
        try:
            arguments = checked(own, given)
        except InvalidArguments:
            return []  # it is refused further in, with all that is wrong
        calls = [one["action"] for one in arguments.get("calls", ())]
        return [action for action in (arguments.get("action"), *calls) if action]


def away(retry_after: int) -> Response:
    """The answer while the store cannot be used. It says nothing about the token, which may well be good."""
    return refusal(
        503,
        "This service cannot look up connections just now; nothing was done. Try again in some seconds.",
        {"Retry-After": str(retry_after)},
    )


def _bearer(headers: Headers) -> str | None:
    """The token of the Authorization header; tokens anywhere else are not looked at. None for none."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _token(access: Access, issuer: str) -> AccessToken:
    # Whoever sees it cannot use it: the token itself is left out.
    return AccessToken(
        token=access.grant_id,
        client_id=access.client_id,
        scopes=list(access.scopes),
        expires_at=int(access.expires_at),
        resource=access.resource,
        subject=access.grant_id,
        claims={"iss": issuer, ACCOUNT: access.account_id},
    )
