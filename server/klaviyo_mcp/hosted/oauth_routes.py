"""OAuth's endpoints: documents and tokens for clients, and the way of a browser through consent."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from klaviyo_mcp.authorization.errors import StoreAway
from klaviyo_mcp.authorization.replies import ConsentPage, ErrorPage, JsonReply, Redirect
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.exchange import (
    NotReadable,
    body_of,
    cookies_of,
    document,
    form_of,
    query_of,
    redirected,
    refused,
    replied,
    set_cookies,
    told,
)
from klaviyo_mcp.hosted.levels import described
from klaviyo_mcp.hosted.measuring import limited
from klaviyo_mcp.hosted.pages import error_page, page

FOR_CLIENTS = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/token",
    "/register",
    "/revoke",
)
"""What programs of any origin may ask: nothing here is decided by a cookie."""
AWAY = ErrorPage(
    503,
    "The service cannot look things up just now",
    "Nothing was changed.",
    "Try again in a moment, from your application.",
    "store_away",
)


class OAuthRoutes:
    """The endpoints of one authorization server."""

    def __init__(self, authorization: AuthorizationServer) -> None:
        """`authorization` decides everything; here is only HTTP."""
        self._authorization = authorization

    @property
    def routes(self) -> list[Route]:
        """All of them."""
        server = self._authorization
        return [
            _document("/.well-known/oauth-authorization-server", server.authorization_server_metadata),
            _document("/.well-known/openid-configuration", server.authorization_server_metadata),
            _document("/.well-known/oauth-protected-resource", server.protected_resource_metadata),
            _document("/.well-known/oauth-protected-resource/mcp", server.protected_resource_metadata),
            Route("/authorize", self._authorize, methods=["GET"]),
            Route("/consent", self._consent_shown, methods=["GET"]),
            Route("/consent", self._consent_given, methods=["POST"]),
            Route("/oauth/klaviyo/callback", self._callback, methods=["GET"]),
            Route("/token", self._token, methods=["POST"]),
            Route("/register", self._register, methods=["POST"]),
            Route("/revoke", self._revoke, methods=["POST"]),
        ]

    async def _authorize(self, request: Request) -> Response:
        return await browsed("authorize", request, lambda: self._authorization.authorize(query_of(request)))

    async def _consent_shown(self, request: Request) -> Response:
        async def shown() -> ConsentPage | ErrorPage:
            word = dict(query_of(request)).get("t", "")
            return await self._authorization.consent_shown(word, cookies_of(request))

        return await browsed("consent_shown", request, shown)

    async def _consent_given(self, request: Request) -> Response:
        async def given() -> Redirect | ErrorPage:
            return await self._authorization.consent_given(await form_of(request), cookies_of(request))

        return await browsed("consent_given", request, given)

    async def _callback(self, request: Request) -> Response:
        async def returned() -> Redirect | ErrorPage:
            return await self._authorization.callback(query_of(request), cookies_of(request))

        return await browsed("callback", request, returned)

    async def _token(self, request: Request) -> Response:
        async def token() -> JsonReply:
            return await self._authorization.token(await form_of(request), request.headers)

        return await _answered("token", request, token)

    async def _register(self, request: Request) -> Response:
        async def register() -> JsonReply:
            return await self._authorization.register(await body_of(request))

        return await _answered("register", request, register)

    async def _revoke(self, request: Request) -> Response:
        async def revoke() -> JsonReply:
            return await self._authorization.revoke(await form_of(request), request.headers)

        return await _answered("revoke", request, revoke)


async def browsed(
    step: str, request: Request, do: Callable[[], Awaitable[Redirect | ErrorPage | ConsentPage]]
) -> Response:
    """What a step in the browser leads to: on, or a page."""
    try:
        result = await do()
    except NotReadable as error:
        result = ErrorPage(400, "This request cannot be read", str(error), "Go back and try again.", "unreadable")
    except StoreAway as error:
        told(step, request, 503, "store_away")
        response = error_page(AWAY)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    if isinstance(result, Redirect):
        told(step, request, 303, result.reason)
        return redirected(result)
    if isinstance(result, ErrorPage):
        told(step, request, result.status, result.reason)
        return error_page(result)
    told(step, request, 200, "shown")
    response = page("consent", consent=result, choices=described(result.choices))
    set_cookies(response, result.cookies)
    return response


async def _answered(step: str, request: Request, do: Callable[[], Awaitable[JsonReply]]) -> Response:
    try:
        reply = await do()
    except NotReadable as error:
        told(step, request, 400, "unreadable")
        return refused("invalid_request", str(error))
    told(step, request, reply.status, reply.reason)
    if reply.status == 429:
        limited(step)
    return replied(reply)


def _document(path: str, made: Callable[[], dict[str, object]]) -> Route:
    def endpoint(_request: Request) -> Response:
        return document(made())

    return Route(path, endpoint, methods=["GET"])
