"""A person's browser and an MCP client as the hosted service sees them: nothing but HTTP."""

import random
import secrets
import ssl
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from tests.oauth_requests import authorization

REDIRECT = "http://127.0.0.1:7777/callback"
LEGACY = "2025-11-25"


def client(**more: Any) -> httpx2.Client:
    """An HTTP client that keeps no connection, as each request is to reach any instance, and loads no certificates."""
    return httpx2.Client(
        timeout=60,
        trust_env=False,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        limits=httpx2.Limits(max_keepalive_connections=0),
        **more,
    )


class Form(HTMLParser):
    """The fields of the first form on a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("name") and (given.get("type") == "hidden" or "checked" in given):
            self.fields.setdefault(str(given["name"]), given.get("value") or "")

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass
class Shown:
    """A consent page as it was shown: the answer, and what its form would send."""

    answer: httpx2.Response
    fields: dict[str, str]


class Browser:
    """One person's browser, at an address of its own. It keeps cookies and follows nothing by itself."""

    def __init__(self, url: str) -> None:
        where = f"198.51.{random.randrange(256)}.{random.randrange(256)}"
        self.url = url
        self.http = client(base_url=url, headers={"User-Agent": "Mozilla/5.0", "X-Forwarded-For": where})

    def authorize(self, query: Any, **headers: str) -> Shown:
        """The consent page for a client's request."""
        to_page = self.http.get("/authorize", params=query, headers=headers)
        assert to_page.status_code == 303, to_page.text
        return self.page(to_page.headers["Location"], **headers)

    def page(self, url: str, **headers: str) -> Shown:
        """The consent page at its own address."""
        answer = self.http.get(url, headers=headers)
        assert answer.status_code == 200, answer.text
        return Shown(answer, Form(answer.text).fields)

    def consent(
        self, shown: Shown, decision: str = "allow", level: str = "klaviyo:full", **changes: str
    ) -> httpx2.Response:
        """Send the page's form."""
        return self.http.post("/consent", data={**shown.fields, "level": level, "decision": decision, **changes})

    def at_klaviyo(self, url: str, company: str = "DEMO01", decision: str = "allow") -> str:
        """Where Klaviyo's own consent page sends the browser."""
        parts = urlsplit(url)
        form = {**dict(parse_qsl(parts.query)), "company_id": company, "decision": decision}
        answer = self.http.post(f"{parts.scheme}://{parts.netloc}{parts.path}", data=form)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def answered(self, query: Any, level: str = "klaviyo:full", company: str = "DEMO01") -> dict[str, str]:
        """The parameters that a whole authorization sends the client back with."""
        return parameters(self.sent_back(query, level, company))

    def sent_back(self, query: Any, level: str = "klaviyo:full", company: str = "DEMO01") -> str:
        """Where a whole authorization sends the browser in the end."""
        to_klaviyo = self.consent(self.authorize(query), level=level)
        assert to_klaviyo.status_code == 303, to_klaviyo.text
        back = self.http.get(self.at_klaviyo(to_klaviyo.headers["Location"], company))
        assert back.status_code == 303, back.text
        return back.headers["Location"]

    def connect(self, company: str = "DEMO01", level: str = "klaviyo:marketing") -> None:
        """Connect on the page, without a client: the browser has a session afterwards."""
        to_klaviyo = self.http.post("/connect", data={"level": level})
        back = self.http.get(self.at_klaviyo(to_klaviyo.headers["Location"], company))
        assert back.headers["Location"] == f"{self.url}/manage", back.text


def parameters(url: str) -> dict[str, str]:
    """Those of a query, each of which is there once."""
    found = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values()), found.keys()
    return {name: values[0] for name, values in found.items()}


@dataclass
class App:
    """An MCP client of one person, written by hand: it does what it is told to, right or wrong."""

    url: str
    client_id: str
    secret: str | None = None
    redirect_uri: str = REDIRECT
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    tokens: dict[str, Any] = field(default_factory=dict)
    http: httpx2.Client = field(default_factory=client)

    def query(self, **changes: str | None) -> dict[str, str]:
        own = {"client_id": self.client_id, "redirect_uri": self.redirect_uri, "resource": f"{self.url}/mcp"}
        return authorization(self.verifier, **{**own, **changes})

    def connected(self, company: str = "DEMO01", level: str = "klaviyo:full", browser: Browser | None = None) -> "App":
        """With tokens, by a whole authorization."""
        answer = (browser or Browser(self.url)).answered(self.query(), level, company)
        got = self.exchange(answer["code"])
        assert got.status_code == 200, got.text
        self.tokens = got.json()
        return self

    def exchange(self, code: str, **changes: str | None) -> httpx2.Response:
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": self.verifier}
        return self.post("/token", {**form, "redirect_uri": self.redirect_uri, **changes})

    def refresh(self, **changes: str | None) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]}
        return self.post("/token", {**form, **changes})

    def post(self, path: str, form: dict[str, str | None], **more: Any) -> httpx2.Response:
        sent = {"client_id": self.client_id, "client_secret": self.secret, **form}
        data = {name: value for name, value in sent.items() if value is not None}
        return self.http.post(f"{self.url}{path}", data=data, **more)

    def mcp(self, method: str, params: Any = None, *, at: str | None = None, **headers: str) -> httpx2.Response:
        """One message over HTTP, at the service or at one of its instances."""
        sent = {
            "Authorization": f"Bearer {self.tokens.get('access_token', '')}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": LEGACY,
            **headers,
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        return self.http.post(f"{at or self.url}/mcp", json=message, headers=sent)

    def ask(self, tool: str, /, *, at: str | None = None, **arguments: Any) -> dict[str, Any]:
        """A tool's structured answer, whether it is an error or not."""
        answer = self.mcp("tools/call", {"name": tool, "arguments": arguments}, at=at)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()["result"]["structuredContent"]

    def call(self, tool: str, /, *, at: str | None = None, **arguments: Any) -> dict[str, Any]:
        """A tool's structured answer; an error fails the test."""
        told = self.ask(tool, at=at, **arguments)
        assert "error" not in told, told["error"]
        return told

    def company(self, at: str | None = None) -> str:
        """The id of the account that it is for, by Klaviyo's own word."""
        return self.call("get_accounts", at=at)["records"][0]["id"]


def register(url: str, **more: Any) -> dict[str, Any]:
    """A client's registration."""
    answer = client().post(f"{url}/register", json={"client_name": "Juniper", "redirect_uris": [REDIRECT], **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def new_app(url: str, **more: Any) -> App:
    """A client that has registered itself."""
    registered = register(url, **more)
    return App(url, registered["client_id"], registered.get("client_secret"), registered["redirect_uris"][0])


def logged(klaviyo: Any, after: int = 0) -> list[dict[str, Any]]:
    """What the sandbox has had since the request of this number, oldest first."""
    with client() as http:
        return http.get(f"{klaviyo.url}/_sandbox/requests?after={after}").json()


def latest(klaviyo: Any) -> int:
    """The number of the last request that the sandbox has had."""
    entries = logged(klaviyo)
    return entries[-1]["number"] if entries else 0


def connected_for_seconds(app: App, klaviyo: Any, **more: Any) -> App:
    """The client, connected with a token of Klaviyo's that has to be renewed by now.

    One that Klaviyo refuses is not renewed within 30 seconds of its birth, as it cannot be the reason then.
    """
    klaviyo.control("oauth", access_token_seconds=4)
    app.connected(**more)
    klaviyo.control("oauth", access_token_seconds=3600)
    time.sleep(3.1)
    return app
