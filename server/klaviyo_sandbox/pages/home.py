"""The page at `/` for people: what this is, what the demo shops hold, the latest requests, how to point a client here.

A client that does not ask for a page gets what Klaviyo's API answers at that path, which is nothing.
"""

from html import escape
from secrets import token_urlsafe

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from klaviyo_sandbox.auth import API_KEY, COMPANY_ID, READ_ONLY_API_KEY
from klaviyo_sandbox.clock import iso
from klaviyo_sandbox.facts import REVISION
from klaviyo_sandbox.operations import OPERATIONS
from klaviyo_sandbox.pages.home_page import PAGE, SCRIPT, STYLE
from klaviyo_sandbox.serving import Service
from klaviyo_sandbox.shapes import Json
from klaviyo_sandbox.storage.grants import CLIENT_ID, CLIENT_SECRET, REDIRECT_URIS

_COUNTED = {
    "profile": "profiles",
    "event": "events",
    "list": "lists",
    "segment": "segments",
    "campaign": "campaigns",
    "flow": "flows",
    "template": "templates",
    "metric": "metrics",
}


class Home:
    """The page as an ASGI app."""

    def __init__(self, service: Service) -> None:
        """Show the sandbox that `service` is."""
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page, or as the API does."""
        request = Request(scope, receive)
        wanted = request.headers.get("Accept", "*/*")
        if request.method not in ("GET", "HEAD") or not ("text/html" in wanted or "*/*" in wanted):
            return await self._service(scope, receive, send)
        return await self._page(request)(scope, receive, send)

    def _page(self, request: Request) -> Response:
        nonce = token_urlsafe(16)
        url = f"{request.url.scheme}://{request.url.netloc}"
        lines = {
            "key": f"export KLAVIYO_BASE_URL={url} KLAVIYO_API_KEY={API_KEY} KLAVIYO_COMPANY_ID={COMPANY_ID}",
            "oauth": f"export KLAVIYO_BASE_URL={url} KLAVIYO_OAUTH_BASE_URL={url}"
            f" KLAVIYO_CLIENT_ID={CLIENT_ID} KLAVIYO_CLIENT_SECRET={CLIENT_SECRET}",
            "curl": f'curl -H "Authorization: Klaviyo-API-Key {API_KEY}" -H "revision: {REVISION}" {url}/api/lists',
        }
        shown = {
            "nonce": nonce,
            "operations": str(len(OPERATIONS)),
            "revision": REVISION,
            "shops": _shops(summary(self._service)),
            "read_only": escape(READ_ONLY_API_KEY),
            "redirect": escape(REDIRECT_URIS[0]),
            **{name: escape(line) for name, line in lines.items()},
        }
        html = PAGE
        for name, value in {"style": STYLE, "script": SCRIPT, **shown}.items():
            html = html.replace(f"{{{{{name}}}}}", value)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept",
        }
        return HTMLResponse(html, headers=headers)


def home_routes(service: Service) -> list[Route]:
    """The page, and GET /_sandbox/summary, which is what it shows."""

    async def summarize(_: Request) -> Response:
        return JSONResponse(summary(service))

    return [Route("/", Home(service)), Route("/_sandbox/summary", summarize, methods=["GET"])]


def summary(service: Service) -> Json:
    """What the sandbox holds: its time, and how many resources of the usual types each company has."""

    def count() -> list[Json]:
        companies: list[Json] = []
        for account, name in service.grants.companies():
            counts = {
                plural: service.store.rows(_COUNT.format(kind), (account,))[0][0] for kind, plural in _COUNTED.items()
            }
            companies.append({"id": account, "name": name, "counts": counts})
        return companies

    return {"now": iso(service.clock.now()), "operations": len(OPERATIONS), "companies": service.read(count)}


_COUNT = 'SELECT count(*) FROM "{}" WHERE account = ?'


def _shops(facts: Json) -> str:
    """The companies with their numbers, as HTML."""
    parts: list[str] = []
    for company in facts["companies"]:
        numbers = "".join(
            f'<div><dt>{plural}</dt><dd data-count="{escape(company["id"])}:{plural}">{count:,}</dd></div>'
            for plural, count in company["counts"].items()
        )
        parts.append(
            f"<article><h3>{escape(company['name'])}</h3><code>{escape(company['id'])}</code><dl>{numbers}</dl></article>"
        )
    return "".join(parts)
