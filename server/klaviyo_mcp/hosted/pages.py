"""The pages of the hosted service: files in `pages/`, filled with everything escaped. All of them work without scripts.

No page may be framed. The one that asks for consent loads no script, and its form may lead anywhere: browsers hold a
form-action against every redirect that follows, up to the client's own address.
"""

from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse

from klaviyo_mcp.authorization.replies import ErrorPage
from klaviyo_mcp.hosted.exchange import set_cookies
from klaviyo_mcp.web.pages import templates

FOLDER = Path(__file__).with_name("pages")
GUARDS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
WITH_SCRIPT = f"{POLICY}; script-src 'self'"
STATIC = {"site.css": "text/css; charset=utf-8", "copy.js": "text/javascript; charset=utf-8"}
"""What pages load besides themselves, by name."""


def page(name: str, *, status: int = 200, script: bool = False, **values: object) -> HTMLResponse:
    """The page of this name, filled."""
    headers = {**GUARDS, "Content-Security-Policy": WITH_SCRIPT if script else POLICY}
    return HTMLResponse(templates(FOLDER).get_template(f"{name}.html").render(script=script, **values), status, headers)


def error_page(error: ErrorPage) -> HTMLResponse:
    """What went wrong, for the person at the browser."""
    response = page("error", status=error.status, error=error)
    set_cookies(response, error.cookies)
    return response


@cache
def static(name: str) -> bytes:
    """The content of one of STATIC."""
    return (FOLDER / name).read_bytes()
