"""The page at `/` for people: what this is, what the demo shops hold, the latest requests, how to point a client here.

A client that does not ask for a page gets what Klaviyo's API answers at that path, which is nothing.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from klaviyo_sandbox.auth import API_KEY, COMPANY_ID, READ_ONLY_API_KEY
from klaviyo_sandbox.clock import iso
from klaviyo_sandbox.facts import REVISION
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.operations import OPERATIONS
from klaviyo_sandbox.pages.rendering import render
from klaviyo_sandbox.serving import Api
from klaviyo_sandbox.state import State
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

    def __init__(self, state: State, api: Api) -> None:
        """Show this state. `api` answers whoever wants no page."""
        self._state = state
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page, or as the API does."""
        request = Request(scope, receive)
        wanted = request.headers.get("Accept", "*/*")
        if request.method not in ("GET", "HEAD") or not ("text/html" in wanted or "*/*" in wanted):
            return await self._api(scope, receive, send)
        return await self._page(request)(scope, receive, send)

    def _page(self, request: Request) -> Response:
        page = render(
            "home",
            live=True,
            url=f"{request.url.scheme}://{request.url.netloc}",
            revision=REVISION,
            key=API_KEY,
            read_only_key=READ_ONLY_API_KEY,
            company_id=COMPANY_ID,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uri=REDIRECT_URIS[0],
            **summary(self._state),
        )
        page.headers["Vary"] = "Accept"
        return page


def home_routes(state: State, api: Api) -> list[Route]:
    """The page, and GET /_sandbox/summary, which is what it shows."""

    async def summarize(_: Request) -> Response:
        return JSONResponse(summary(state))

    return [Route("/", Home(state, api)), Route("/_sandbox/summary", summarize, methods=["GET"])]


def summary(state: State) -> Json:
    """What the sandbox holds: its time, and how many resources of the usual types each company has."""

    def count() -> list[Json]:
        companies: list[Json] = []
        for account, name in state.grants.companies():
            counts = {
                plural: state.store.rows(_COUNT.format(kind), (account,))[0][0] for kind, plural in _COUNTED.items()
            }
            companies.append({"id": account, "name": name, "counts": counts})
        return companies

    return {"now": iso(state.clock.now()), "operations": len(OPERATIONS), "companies": state.read(count)}


_COUNT = 'SELECT count(*) FROM "{}" WHERE account = ?'
