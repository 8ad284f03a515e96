"""The pages for people: connect, and what is connected. A session comes only from a consent at Klaviyo."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from klaviyo_mcp.authorization.errors import StoreAway
from klaviyo_mcp.authorization.replies import ConnectedClient, ErrorPage, Redirect, Removal, Session
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.exchange import cookies_of, form_of
from klaviyo_mcp.hosted.levels import described, title_of
from klaviyo_mcp.hosted.oauth_routes import AWAY, browsed
from klaviyo_mcp.hosted.pages import STATIC, error_page, page, static
from klaviyo_mcp.hosted.snippets import snippets

NO_SESSION = ErrorPage(
    403,
    "You are not signed in here",
    "This page was signed out, or it was open for more than eight hours. Nothing was changed.",
    "Connect Klaviyo again to see what is connected.",
    "no_session",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a page says was done. `kind` is good, or caution where something is left to do."""

    text: str
    kind: str = "good"


DONE = {
    "disconnected": Told("The assistant was disconnected. It learns of it with its next call."),
    "gone": Told("That assistant was not connected any more."),
    "removed": Told("The app was removed from Klaviyo, every assistant was disconnected, and you are signed out."),
    "removed_here": Told(
        "Every assistant was disconnected, and you are signed out. Klaviyo could not be told: remove the app there, "
        "under Settings, Integrations.",
        "caution",
    ),
    "signed_out": Told("You are signed out. Assistants stay connected."),
    "no_session": Told("To see what is connected, connect Klaviyo here first: that shows whose account it is."),
}
"""By the word in a page's address."""
Change = Callable[[Session, dict[str, str]], Awaitable[Redirect]]


class SiteRoutes:
    """The pages of one service."""

    def __init__(
        self,
        authorization: AuthorizationServer,
        mcp_url: str,
        *,
        takes_files: bool = False,
        makes_exports: bool = False,
        gone: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """`mcp_url` is what people give to their clients.

        `takes_files` and `makes_exports` say whether there are pages for that, and `gone` is told of accounts that have
        no grant any more.
        """
        self._authorization = authorization
        self._takes_files, self._makes_exports = takes_files, makes_exports
        self._gone = gone
        self._mcp_url = mcp_url

    @property
    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/", self._home, methods=["GET"]),
            # Klaviyo's directory sends people here, with parameters that say nothing to us.
            Route("/install", self._home, methods=["GET"]),
            Route("/connect", self._connect, methods=["POST"]),
            Route("/manage", self._manage, methods=["GET"]),
            Route("/manage/disconnect", self._disconnect, methods=["POST"]),
            Route("/manage/remove", self._remove_asked, methods=["GET"]),
            Route("/manage/remove", self._remove, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            *(Route(f"/static/{name}", _static(name), methods=["GET"]) for name in STATIC),
        ]

    async def _home(self, request: Request) -> Response:
        session = None
        with suppress(StoreAway):  # nothing on this page needs the store
            session = await self._authorization.session(cookies_of(request))
        return page(
            "connect",
            script=True,
            session=session,
            choices=described(self._authorization.choices("klaviyo:marketing")),
            mcp_url=self._mcp_url,
            snippets=snippets(self._mcp_url),
            done=_done(request),
        )

    async def _connect(self, request: Request) -> Response:
        async def connect() -> Redirect | ErrorPage:
            level = dict(await form_of(request)).get("level", "")
            return await self._authorization.connect(level, cookies_of(request))

        return await browsed("connect", request, connect)

    async def _manage(self, request: Request) -> Response:
        def shown(session: Session, clients: list[ConnectedClient]) -> Response:
            return page(
                "manage",
                script=True,
                session=session,
                level=title_of(session.level),
                clients=[
                    (client, title_of(client.level), _day(client.created), _day(client.last_used)) for client in clients
                ],
                mcp_url=self._mcp_url,
                snippets=snippets(self._mcp_url),
                done=_done(request),
                takes_files=self._takes_files,
                makes_exports=self._makes_exports,
            )

        return await self._shown(request, shown)

    async def _remove_asked(self, request: Request) -> Response:
        def shown(session: Session, clients: list[ConnectedClient]) -> Response:
            return page("remove", session=session, clients=clients)

        return await self._shown(request, shown)

    async def _shown(self, request: Request, show: Callable[[Session, list[ConnectedClient]], Response]) -> Response:
        """A page about what is connected, for who is signed in."""
        try:
            session = await self._authorization.session(cookies_of(request))
            if session is None:
                return RedirectResponse("/?done=no_session", 303)
            clients = await self._authorization.connected_clients(session)
        except StoreAway:
            return error_page(AWAY)
        return show(session, clients)

    async def _disconnect(self, request: Request) -> Response:
        async def disconnect(session: Session, given: dict[str, str]) -> Redirect:
            removal = await self._authorization.disconnect(session, given.get("grant", ""))
            if removal is None or removal.removed_at_klaviyo is None:
                return _to("/manage", "gone" if removal is None else "disconnected")
            return await self._removed(request, session, removal)

        return await self._changed("disconnect", request, disconnect)

    async def _remove(self, request: Request) -> Response:
        async def remove(session: Session, _given: dict[str, str]) -> Redirect:
            return await self._removed(request, session, await self._authorization.remove(session))

        return await self._changed("remove", request, remove)

    async def _removed(self, request: Request, session: Session, removal: Removal) -> Redirect:
        """Signed out as well: the session came from a consent that is taken back by now."""
        if self._gone is not None and await self._authorization.standing(session.account_id) == "gone":
            await self._gone(session.account_id)
        signed_out = await self._authorization.sign_out(cookies_of(request))
        return replace(
            _to("/", "removed" if removal.removed_at_klaviyo else "removed_here"), cookies=signed_out.cookies
        )

    async def _changed(self, step: str, request: Request, change: Change) -> Response:
        """A form of the manage page: carried out for its session alone, if the form was made for it."""

        async def checked() -> Redirect | ErrorPage:
            given = dict(await form_of(request))
            session = await self._authorization.session(cookies_of(request))
            if session is None or not self._authorization.csrf_holds(session, given.get("csrf", "")):
                return NO_SESSION
            return await change(session, given)

        return await browsed(step, request, checked)

    async def _sign_out(self, request: Request) -> Response:
        async def sign_out() -> Redirect | ErrorPage:
            given = dict(await form_of(request))
            session = await self._authorization.session(cookies_of(request))
            if session is not None and not self._authorization.csrf_holds(session, given.get("csrf", "")):
                return NO_SESSION
            signed_out = await self._authorization.sign_out(cookies_of(request))
            return replace(_to("/", "signed_out"), cookies=signed_out.cookies)

        return await browsed("sign_out", request, sign_out)


def _to(path: str, done: str) -> Redirect:
    return Redirect(f"{path}?done={done}", reason=done)


def _done(request: Request) -> Told | None:
    return DONE.get(request.query_params.get("done", ""))


def _day(moment: float | None) -> str:
    """A day for people, empty for never."""
    if moment is None:
        return ""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at.day} {at:%B %Y}"


def _static(name: str) -> Callable[[Request], Response]:
    def endpoint(_request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(static(name), media_type=STATIC[name], headers=headers)

    return endpoint
