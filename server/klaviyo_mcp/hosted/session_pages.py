"""Pages that only who is signed in sees: of what the database of jobs keeps for their company."""

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from klaviyo_mcp.authorization.errors import StoreAway
from klaviyo_mcp.authorization.replies import ErrorPage, Redirect, Session
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.exchange import NotReadable, cookies_of, form_of, redirected, told
from klaviyo_mcp.hosted.oauth_routes import AWAY
from klaviyo_mcp.hosted.pages import error_page
from klaviyo_mcp.hosted.site_routes import NO_SESSION

log = logging.getLogger("klaviyo_mcp")


class SessionPages:
    """The pages at one path of a service."""

    def __init__(self, authorization: AuthorizationServer, path: str, trouble: ErrorPage) -> None:
        """`trouble` is what is shown where the database does not answer."""
        self._authorization = authorization
        self._path = path
        self._trouble = trouble

    async def shown(self, step: str, request: Request, show: Callable[[Session], Awaitable[Response]]) -> Response:
        """What only who is signed in sees, or does."""
        try:
            session = await self._authorization.session(cookies_of(request))
        except StoreAway:
            told(step, request, 503, "store_away")
            return error_page(AWAY)
        if session is None:
            return RedirectResponse("/?done=no_session", 303) if request.method == "GET" else error_page(NO_SESSION)
        from klaviyo_mcp.jobs.errors import StoreProblem  # a service without jobs need not load it

        try:
            return await show(session)
        except StoreProblem as problem:
            log.error("%s", problem.message)
            told(step, request, self._trouble.status, self._trouble.reason)
            return error_page(self._trouble)

    async def removed(
        self, step: str, request: Request, field: str, remove: Callable[[str, str], Awaitable[bool]]
    ) -> Response:
        """What a form of these pages removes: `remove` is given the company and what `field` of the form holds."""

        async def show(session: Session) -> Response:
            try:
                given = dict(await form_of(request))
            except NotReadable:
                given = {}
            if not self._authorization.csrf_holds(session, given.get("csrf", "")):
                told(step, request, 403, "no_session")
                return error_page(NO_SESSION)
            done = "removed" if await remove(session.account_id, given.get(field, "")) else "gone"
            told(step, request, 303, done)
            return redirected(Redirect(f"{self._path}?done={done}"))

        return await self.shown(step, request, show)
