"""The page on which people give files to their assistant's jobs: uploaded, listed, removed. Nothing goes to Klaviyo."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from math import ceil

import anyio
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from klaviyo_mcp.authorization.pacing import Pace
from klaviyo_mcp.authorization.replies import ErrorPage, Redirect, Session
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.company_files import MB, MOST_FILES, MOST_TIMES, CompanyFiles, NotTaken
from klaviyo_mcp.hosted.exchange import redirected, told
from klaviyo_mcp.hosted.measuring import limited
from klaviyo_mcp.hosted.pages import error_page, page
from klaviyo_mcp.hosted.session_pages import SessionPages
from klaviyo_mcp.hosted.site_routes import NO_SESSION, Told
from klaviyo_mcp.klaviyo.interruption import Interruptions

FORM_ROOM = 64 * 1024
"""Bytes that the form may have beside its file."""
READ_ON = 4
"""How often what is possible is read of what is too much: a browser shows an answer once it has sent all."""
LONGEST, SILENCE = 900.0, 30.0
"""Seconds that an upload may take in all, and between two parts of it."""
AT_ONCE = 8
"""Uploads under way in one instance, one of each company: each takes room on the disk of temporary files."""
NO_FILES = ErrorPage(
    404,
    "This service takes no files",
    "Its operator has not set up where files would be kept.",
    "Have your assistant send the rows themselves, or ask the operator.",
    "no_files",
)
TROUBLE = ErrorPage(
    503,
    "Files cannot be looked up just now",
    "Nothing was kept or removed.",
    "Try again in a moment.",
    "files_away",
)
BROKEN_OFF = NotTaken("The file did not come to its end; nothing was kept.", "Upload it again.")
DONE = {
    "uploaded": Told("The file is kept. Tell your assistant what to do with it: the words are beside it."),
    "removed": Told("The file was removed. A job that was begun with it goes on without it."),
    "gone": Told("That file was not here any more."),
}
"""By the word in the page's address."""


class UploadRoutes:
    """The page of one service."""

    def __init__(
        self, authorization: AuthorizationServer, files: CompanyFiles | None, pace: Pace, receiving: Interruptions
    ) -> None:
        """`receiving` breaks off uploads that have not come yet when the service is told to stop."""
        self._authorization = authorization
        self._pages = SessionPages(authorization, "/uploads", TROUBLE)
        self._kept = files
        self._pace = pace
        self._receiving = receiving
        self._under_way: set[str] = set()

    @property
    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/uploads", self._show, methods=["GET"]),
            Route("/uploads", self._upload, methods=["POST"]),
            Route("/uploads/remove", self._remove, methods=["POST"]),
        ]

    @property
    def _files(self) -> CompanyFiles:
        assert self._kept is not None  # noqa: S101 - `_for_session` has looked
        return self._kept

    async def _show(self, request: Request) -> Response:
        async def show(session: Session) -> Response:
            return await self._page(session, done=DONE.get(request.query_params.get("done", "")))

        return await self._for_session("uploads_shown", request, show)

    async def _upload(self, request: Request) -> Response:
        async def upload(session: Session) -> Response:
            if wait := await self._pace.take("uploads", session.account_id):
                limited("uploads")
                words = NotTaken("There were too many uploads in a short time.", f"Wait {ceil(wait)} seconds.")
                return await self._refused(request, session, words, 429)
            if session.account_id in self._under_way or len(self._under_way) >= AT_ONCE:
                limited("uploads")
                words = NotTaken("Another file is being uploaded just now.", "Wait until it is there, and try again.")
                return await self._refused(request, session, words, 429)
            self._under_way.add(session.account_id)
            try:
                return await self._taken(request, session)
            finally:
                self._under_way.discard(session.account_id)

        return await self._for_session("upload", request, upload)

    async def _taken(self, request: Request, session: Session) -> Response:
        """Keep the file of a form, or say on the page why not."""
        try:
            form = await self._form(request)
        except NotTaken as problem:
            return await self._refused(request, session, problem, 400)
        try:
            given, file = form.get("csrf"), form.get("file")
            if not isinstance(given, str) or not self._authorization.csrf_holds(session, given):
                told("upload", request, 403, "no_session")
                return error_page(NO_SESSION)
            if not isinstance(file, UploadFile) or not file.filename:
                raise NotTaken("No file was chosen.", "Choose one and upload it.")
            await self._files.take(session.account_id, file.filename, file.file, file.size or 0)
        except NotTaken as problem:
            return await self._refused(request, session, problem, 422)
        finally:
            await form.close()
        told("upload", request, 303, "uploaded")
        return redirected(Redirect("/uploads?done=uploaded"))

    async def _form(self, request: Request) -> FormData:
        """The form, whose file lies on disk by the time that it has come. Raises NotTaken."""
        if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            raise NotTaken("This is not the form of this page.", "Open the page anew and choose the file there.")
        waiting = self._receiving.breakable()
        waiting.deadline = anyio.current_time() + LONGEST
        most = self._files.most_mb * MB
        with waiting:
            try:
                return await MultiPartParser(
                    request.headers, _no_more_than(most, _in_time(request)), max_files=1, max_fields=4
                ).parse()
            except (ClientDisconnect, TimeoutError):
                raise BROKEN_OFF from None
            except MultiPartException:
                raise NotTaken("The form cannot be read; nothing was kept.", "Upload the file again.") from None
        raise BROKEN_OFF

    async def _remove(self, request: Request) -> Response:
        if self._kept is None:
            return error_page(NO_FILES)
        return await self._pages.removed("upload_removed", request, "upload", self._kept.remove)

    async def _refused(self, request: Request, session: Session, problem: NotTaken, status: int) -> Response:
        told("upload", request, status, "not_taken")
        return await self._page(session, problem=problem, status=status)

    async def _page(
        self, session: Session, *, done: Told | None = None, problem: NotTaken | None = None, status: int = 200
    ) -> Response:
        files = [
            (file, size_of(file.size), moment_of(file.created), moment_of(file.ends))
            for file in await self._files.of(session.account_id)
        ]
        most = (self._files.most_mb, MOST_FILES, MOST_TIMES * self._files.most_mb)
        return page(
            "uploads", status=status, script=True, session=session, files=files, most=most, done=done, problem=problem
        )

    async def _for_session(
        self, step: str, request: Request, show: Callable[[Session], Awaitable[Response]]
    ) -> Response:
        return await self._pages.shown(step, request, show) if self._kept is not None else error_page(NO_FILES)


async def _no_more_than(most: int, stream: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The body. Raises NotTaken once all of one that is too long has come, or so much that it is no mistake."""
    read = 0
    async for chunk in stream:
        read += len(chunk)
        if read <= most + FORM_ROOM:
            yield chunk
        elif read > READ_ON * most:
            break
    if read > most + FORM_ROOM:
        raise NotTaken(
            f"The file has more than {most / MB:,.0f} MB; nothing was kept.",
            "Pack it with gzip, leave out columns that are not needed, or split it.",
        )


async def _in_time(request: Request) -> AsyncGenerator[bytes]:
    """The body. Raises TimeoutError when nothing comes for long."""

    async def receive() -> Message:
        with anyio.fail_after(SILENCE):
            return await request.receive()

    async for chunk in Request(request.scope, receive).stream():
        yield chunk


def size_of(count: int) -> str:
    """A number of bytes, for people."""
    return f"{count / MB:,.1f} MB" if count >= MB / 10 else f"{max(1, round(count / 1000)):,} KB"


def moment_of(at: datetime) -> str:
    """For people, who may be anywhere."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %H:%M} UTC"
