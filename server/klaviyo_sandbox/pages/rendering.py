"""Pages for people: the files of this folder, filled with escaped values and sent with headers that guard them."""

from functools import cache
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from jinja2 import Environment

# klaviyo-mcp has a function like this and a palette for its own pages: the two are programs of their own, and neither
# imports the other.


def render(
    page: str, *, status: int = 200, forms_lead_away: bool = False, live: bool = False, **values: object
) -> HTMLResponse:
    """The page of this name, filled.

    forms_lead_away: whether its forms may lead anywhere instead of nowhere
    live: whether its own script may run, and ask this server
    """
    nonce = token_urlsafe(16)
    script = f"script-src 'nonce-{nonce}'; connect-src 'self'; " if live else ""
    forms = "" if forms_lead_away else "form-action 'none'; "
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; {script}img-src data:; "
        f"{forms}base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(_files().get_template(f"{page}.html").render(nonce=nonce, **values), status, headers)


@cache
def _files() -> "Environment":
    # Imported here because it takes 0.1 s, and most sandboxes never show a page.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
