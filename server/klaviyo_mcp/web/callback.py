"""The loopback address that Klaviyo sends the browser back to: takes the code once, and says what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import parse_qs, urlsplit

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from klaviyo_mcp.runtime.authorities import Authority
from klaviyo_mcp.runtime.settings import is_loopback
from klaviyo_mcp.web.pages import render

PATH = "/callback"


@dataclass(frozen=True, slots=True)
class ConnectOutcome:
    """How it ended, for the page and the command line alike. `advice` is what to do next."""

    worked: bool
    title: str
    text: str
    advice: str = ""


class ConsentAnswer:
    """Klaviyo's answer to a request for consent: checked, and acted on once."""

    def __init__(self, state: str, finish: Callable[[str], Awaitable[ConnectOutcome]]) -> None:
        """`finish` takes the code and does the rest."""
        self._state = state
        self._finish = finish
        self._taken = False
        self.ended = anyio.Event()
        self.ending: ConnectOutcome | None = None

    async def take(self, query: str) -> ConnectOutcome:
        """Act on the query of the redirect. One that is not ours, or came before, changes nothing."""
        fields = {name: values[0] for name, values in parse_qs(query).items()}
        if not compare_digest(fields.get("state", "").encode(), self._state.encode()):
            return ConnectOutcome(
                False,
                "This does not belong to the sign-in that is under way",
                "The answer carries another state than the one klaviyo-mcp sent. It may come from an older tab, or "
                "from someone else. Nothing was connected, and klaviyo-mcp still waits for the right answer.",
                "Use the address that klaviyo-mcp printed last.",
            )
        if self._taken:
            return ConnectOutcome(
                False,
                "This answer was used before",
                "klaviyo-mcp takes each answer once. Look at the terminal to see what came of it.",
            )
        self._taken = True
        ending = await self._act(fields)
        self.ending = ending
        self.ended.set()
        return ending

    async def _act(self, fields: dict[str, str]) -> ConnectOutcome:
        if fields.get("error") == "access_denied":
            return ConnectOutcome(
                False,
                "Access was not given",
                "You chose not to give klaviyo-mcp access. Nothing was connected.",
                "Run klaviyo-mcp connect again if that was not meant.",
            )
        if "error" in fields or "code" not in fields:
            said = fields.get("error_description") or fields.get("error") or "no code"
            return ConnectOutcome(
                False,
                "Klaviyo did not give access",
                f"Klaviyo answered: {said[:200]}",
                "Check that your app has the scopes and the redirect URI that klaviyo-mcp printed, then connect again.",
            )
        return await self._finish(fields["code"])


def callback_app(answer: ConsentAnswer) -> Starlette:
    """The ASGI app behind the loopback address. It knows one page, and shows no secret on it."""

    async def callback(request: Request) -> Response:
        host = Authority.read(request.headers.get("host", ""))
        if host is None or not is_loopback(host.host.strip("[]")):
            # A name of somebody's that leads to this machine: their page, not Klaviyo's redirect.
            return PlainTextResponse("This address is answered on this machine alone.", 421)
        ending = await answer.take(request.url.query)
        return render("callback", status=200 if ending.worked else 400, ending=ending)

    return Starlette(routes=[Route(PATH, callback, methods=["GET"])])


def query_of(pasted: str) -> str:
    """The query in a pasted address, or in what is left of one."""
    text = pasted.strip()
    return urlsplit(text).query if "?" in text else text
