"""Pages for people: the files in `pages/`, filled with escaped values and sent with headers that guard them."""

from functools import cache
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).with_name("pages")

# The sandbox has a function like this and a palette for its own pages: the two are programs of their own, and neither
# imports the other.


def render(page: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """The page of this name, filled. Nothing but its own style is loaded, nothing runs, and no form leads anywhere."""
    nonce = token_urlsafe(16)
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        # An address may hold a code; it is used up, and still nobody's business.
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(templates(FOLDER).get_template(f"{page}.html").render(nonce=nonce, **values), status, headers)


@cache
def templates(folder: Path) -> "Environment":
    """The templates of a folder: everything that is filled in is escaped, and a value that is missing is an error."""
    # Imported here because it takes 0.1 s, which only those who see a page should wait.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
