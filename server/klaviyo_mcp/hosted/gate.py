"""What stands before MCP in the hosted service: a token, and the level that a call needs.

Both are decided before anything is dispatched, as clients act on the status alone: 401 has them authorize, 403 with
`insufficient_scope` has them ask for more, and 503 has them come again. All else would lose tokens that are good.
"""

import json
from typing import Any

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthCredentials
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from klaviyo_mcp.authorization.errors import StoreAway
from klaviyo_mcp.authorization.replies import Access
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.loose_json import JSON, mapping, objects, text
from klaviyo_mcp.mcp_server.http_access import refusal
from klaviyo_mcp.registry.tool_names import CONFIRM, PREVIEW, RUN_TOOLS, ToolNames

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


class LevelGate:
    """Refuses a call whose action needs a higher level than the token has, so that the client can ask for it."""

    def __init__(self, app: ASGIApp, authorization: AuthorizationServer, names: ToolNames[Any], own: ToolNames[str]):
        """`app` comes behind, and gets the body again. `names` are those of actions, `own` of the server's tools."""
        self._app = app
        self._authorization = authorization
        self._names = names
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 403."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        access: Access = scope["state"]["access"]
        request = await _parsed(bytes(body))
        for action in self._actions(request):
            if challenge := self._authorization.step_up(access, action):
                words = (
                    f"{action} needs more access than this connection has ({access.level}); nothing was sent to "
                    "Klaviyo. Your client can ask the user for more; or they connect again and choose a higher level."
                )
                given = request.get("id")
                answer = refusal(
                    403,
                    words,
                    {"WWW-Authenticate": challenge},
                    given=given if isinstance(given, str | int | float) else None,
                )
                await answer(scope, receive, send)
                return
        await self._app(scope, _replay(bytes(body), receive), send)

    def _actions(self, request: JSON) -> list[str]:
        """The actions that a request would carry out: the tool itself, or what it runs. A preview carries out none."""
        if request.get("method") != "tools/call":
            return []
        params = mapping(request.get("params"))
        tool, arguments = text(params.get("name")), mapping(params.get("arguments"))
        own = self._own.find(tool)
        if own is None:
            found = self._names.find(tool)
            return [found.name if found is not None else tool]
        if own in RUN_TOOLS.values():
            calls = [text(one.get("action")) for one in objects(arguments.get("calls"))]
            return [name for name in [text(arguments.get("action")), *calls] if name]
        if own in (CONFIRM, PREVIEW):
            return [name for name in [text(arguments.get("action"))] if name and own == CONFIRM]
        return []


def away(retry_after: int) -> Response:
    """The answer while the store cannot be used. It says nothing about the token, which may well be good."""
    return refusal(
        503,
        "This service cannot look up connections just now; nothing was done. Try again in some seconds.",
        {"Retry-After": str(retry_after)},
    )


def oauth_away(retry_after: int) -> Response:
    """The same in OAuth's words."""
    body = {"error": "temporarily_unavailable", "error_description": "Nothing was changed. Try again in a moment."}
    return JSONResponse(body, 503, {"Retry-After": str(retry_after), "Cache-Control": "no-store"})


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


async def _parsed(body: bytes) -> JSON:
    """The message, which has been found to be one already."""
    if len(body) > 200_000:
        return mapping(await anyio.to_thread.run_sync(json.loads, body))
    return mapping(json.loads(body))


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
