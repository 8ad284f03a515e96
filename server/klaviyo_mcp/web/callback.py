"""The loopback address that Klaviyo sends the browser back to: takes the code once, and says what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hmac import compare_digest
from html import escape
from urllib.parse import parse_qs, urlsplit

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

PATH = "/callback"
STYLE = """
:root{color-scheme:light dark;--ink:#1d1b19;--soft:#6b655e;--line:#e2ddd6;--card:#fff;--back:#f6f3ee;--good:#1f5f4a;
--bad:#9c2f1f}
@media(prefers-color-scheme:dark){:root{--ink:#f2efea;--soft:#a9a299;--line:#3a3631;--card:#211f1c;--back:#171513;
--good:#6fc3a5;--bad:#f0907f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--back);color:var(--ink);
font:16px/1.55 system-ui,sans-serif}
main{width:100%;max-width:32rem;background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem}
h1{font-size:1.35rem;line-height:1.25;margin:0 0 .8rem;color:var(--good)}
main.wrong h1{color:var(--bad)}
p{margin:.6rem 0;overflow-wrap:anywhere}
small{color:var(--soft)}
"""


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
        ending = await answer.take(request.url.query)
        return ending_page(ending)

    return Starlette(routes=[Route(PATH, callback, methods=["GET"])])


def query_of(pasted: str) -> str:
    """The query in a pasted address, or in what is left of one."""
    text = pasted.strip()
    return urlsplit(text).query if "?" in text else text


def ending_page(ending: ConnectOutcome) -> HTMLResponse:
    """The page for a person: what happened, and what to do."""
    advice = f"<p>{escape(ending.advice)}</p>" if ending.advice else ""
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(ending.title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f'<body><main class="{"worked" if ending.worked else "wrong"}"><h1>{escape(ending.title)}</h1>'
        f"<p>{escape(ending.text)}</p>{advice}<p><small>klaviyo-mcp, on this computer. "
        "You can close this tab.</small></p></main></body></html>"
    )
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        # The address holds the code; it is used up, and still nobody's business.
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(html, 200 if ending.worked else 400, headers)
