"""The page on which people get what their assistants have exported: listed, downloaded, removed."""

from collections.abc import Awaitable, Callable
from math import ceil

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from klaviyo_mcp.authorization.pacing import Pace
from klaviyo_mcp.authorization.replies import ErrorPage, Session
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.company_exports import CompanyExports
from klaviyo_mcp.hosted.exchange import told
from klaviyo_mcp.hosted.measuring import limited
from klaviyo_mcp.hosted.pages import GUARDS, error_page, page
from klaviyo_mcp.hosted.session_pages import SessionPages
from klaviyo_mcp.hosted.site_routes import Told
from klaviyo_mcp.hosted.upload_routes import moment_of, size_of

MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
DOWNLOADED = {
    **GUARDS,
    # Whatever a browser makes of it, nothing of it runs, and no other page gets it.
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NO_EXPORTS = ErrorPage(
    404,
    "This service makes no exports",
    "Its operator has not set up where they would be kept.",
    "Have your assistant read what you need, or ask the operator.",
    "no_exports",
)
GONE = ErrorPage(
    404,
    "There is no such export",
    "It was removed, is over three days old, or is another account's.",
    "See /exports for those that there are, or have your assistant begin it anew.",
    "no_export",
)
TROUBLE = ErrorPage(
    503,
    "Exports cannot be looked up just now",
    "Nothing was removed.",
    "Try again in a moment.",
    "exports_away",
)
DONE = {
    "removed": Told("The export was removed. Nothing changed in Klaviyo."),
    "gone": Told("That export was not here any more."),
}
"""By the word in the page's address."""


class ExportRoutes:
    """The page of one service."""

    def __init__(self, authorization: AuthorizationServer, exports: CompanyExports | None, pace: Pace) -> None:
        """Without `exports` the page says that there are none."""
        self._authorization = authorization
        self._pages = SessionPages(authorization, "/exports", TROUBLE)
        self._kept = exports
        self._pace = pace

    @property
    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/exports", self._show, methods=["GET"]),
            Route("/exports/remove", self._remove, methods=["POST"]),
            Route("/exports/{job}", self._download, methods=["GET"]),
        ]

    @property
    def _exports(self) -> CompanyExports:
        assert self._kept is not None  # noqa: S101 - `_for_session` has looked
        return self._kept

    async def _show(self, request: Request) -> Response:
        async def show(session: Session) -> Response:
            over, unfinished = await self._exports.of(session.account_id)
            return page(
                "exports",
                script=True,
                session=session,
                done=DONE.get(request.query_params.get("done", "")),
                exports=[(one, size_of(one.bytes), moment_of(one.ended), moment_of(one.ends)) for one in over],
                unfinished=unfinished,
            )

        return await self._for_session("exports_shown", request, show)

    async def _download(self, request: Request) -> Response:
        async def download(session: Session) -> Response:
            if wait := await self._pace.take("downloads", session.account_id):
                limited("downloads")
                told("export_downloaded", request, 429, "too_many")
                return error_page(_too_many(ceil(wait)))
            output = await self._exports.find(session.account_id, request.path_params["job"])
            if output is None:
                told("export_downloaded", request, 404, "gone")
                return error_page(GONE)
            for_excel = request.query_params.get("for") == "excel"
            content = await self._exports.content(output, for_excel=for_excel)
            told("export_downloaded", request, 200, "downloaded")
            headers = {**DOWNLOADED, "Content-Disposition": f'attachment; filename="{output.name}"'}
            return StreamingResponse(iterate_in_threadpool(content), headers=headers, media_type=MEDIA[output.form])

        return await self._for_session("export_downloaded", request, download)

    async def _remove(self, request: Request) -> Response:
        if self._kept is None:
            return error_page(NO_EXPORTS)
        return await self._pages.removed("export_removed", request, "export", self._kept.remove)

    async def _for_session(
        self, step: str, request: Request, show: Callable[[Session], Awaitable[Response]]
    ) -> Response:
        return await self._pages.shown(step, request, show) if self._kept is not None else error_page(NO_EXPORTS)


def _too_many(seconds: int) -> ErrorPage:
    return ErrorPage(
        429,
        "There were too many downloads in a short time",
        "Nothing was downloaded.",
        f"Wait {seconds} seconds, and try again.",
        "too_many",
    )
