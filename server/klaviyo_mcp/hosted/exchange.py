"""The authorization server's values as HTTP: redirects, cookies, JSON; and forms and queries as it takes them."""

import logging
from collections.abc import Iterable
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from klaviyo_mcp.authorization.replies import Cookie, JsonReply, Pairs, Redirect
from klaviyo_mcp.hosted.families import family_of
from klaviyo_mcp.hosted.measuring import oauth_event
from klaviyo_mcp.loose_json import JSON

LARGEST_FORM = 64 * 1024
LONGEST_QUERY = 8 * 1024
DOCUMENT = {"Cache-Control": "public, max-age=300"}
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
FORM = "application/x-www-form-urlencoded"

log = logging.getLogger("klaviyo_mcp.oauth")


class NotReadable(ValueError):
    """A form or query that is not read; the message says why."""


def pairs(text: str, most: int) -> Pairs:
    """The parameters of a query or form in their order. Raises NotReadable."""
    if len(text) > most:
        raise NotReadable(f"There are more than {most:,} characters.")
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise NotReadable("The parameters cannot be read.") from None


def query_of(request: Request) -> Pairs:
    """The query of a request. Raises NotReadable."""
    return pairs(request.url.query, LONGEST_QUERY)


async def body_of(request: Request, most: int = LARGEST_FORM) -> bytes:
    """The body, read no further than it may be long. Raises NotReadable."""
    read = bytearray()
    try:
        async for chunk in request.stream():
            read += chunk
            if len(read) > most:
                raise NotReadable(f"The body has more than {most:,} bytes.")
    except ClientDisconnect:
        raise NotReadable("The body was not sent to its end.") from None
    return bytes(read)


async def form_of(request: Request) -> Pairs:
    """The fields of a form in their order. Raises NotReadable."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise NotReadable(f"The header Content-Type must be {FORM}.")
    try:
        return pairs((await body_of(request)).decode("utf-8"), LARGEST_FORM)
    except UnicodeDecodeError:
        raise NotReadable("The form is not UTF-8.") from None


def redirected(redirect: Redirect) -> Response:
    """303 to exactly the address that was made: Starlette's own class would encode parts of it anew."""
    response = Response(status_code=303, headers={"Location": redirect.location, **PRIVATE})
    set_cookies(response, redirect.cookies)
    return response


def replied(reply: JsonReply) -> Response:
    """An answer for a client."""
    if reply.body is None:
        return Response(status_code=reply.status, headers=dict(reply.headers))
    return JSONResponse(reply.body, reply.status, dict(reply.headers))


def document(body: JSON) -> Response:
    """A metadata document."""
    return JSONResponse(body, headers=DOCUMENT)


def refused(error: str, description: str, status: int = 400) -> Response:
    """An error of OAuth's for what is not even read."""
    return JSONResponse({"error": error, "error_description": description}, status, {"Cache-Control": "no-store"})


def set_cookies(response: Response, cookies: Iterable[Cookie]) -> None:
    """Cookies as the authorization server wants them."""
    for cookie in cookies:
        response.set_cookie(
            cookie.name, cookie.value, max_age=cookie.max_age, path="/", secure=cookie.secure, httponly=True,
            samesite="lax",
        )  # fmt: skip


def cookies_of(request: Request) -> dict[str, str]:
    """The cookies a browser has brought."""
    return dict(request.cookies)


def told(step: str, request: Request, status: int, reason: str) -> None:
    """A line for a step of OAuth: what it was, how it ended, and which family of clients asked. Never what was sent."""
    family = family_of(request.headers)
    fields = {"step": step, "status": status, "outcome": reason, "client": family}
    log.log(logging.WARNING if status >= 500 else logging.INFO, "oauth", extra={"fields": fields})
    oauth_event(step, reason, family)
