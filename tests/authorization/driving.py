"""An authorization server with a clock and documents of a test's own, and a browser and a client that use it."""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from tests.catalogue import REGISTRY
from tests.oauth_requests import authorization

from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.records import Secret
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.authorization.config import AuthorizationConfig
from klaviyo_mcp.authorization.replies import ConsentPage, ErrorPage, JsonReply, Redirect
from klaviyo_mcp.authorization.service import AuthorizationServer

ISSUER = "https://mcp.example.com"
RESOURCE = f"{ISSUER}/mcp"
REDIRECT = "http://127.0.0.1:7777/callback"
OWN_SECRET = "sEcReT-of-the-service-0123456789abcdef"


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


class Documents(httpx2.AsyncBaseTransport):
    """What lies at the addresses of metadata documents; `asked` are the requests for it."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[httpx2.Request] = []
        self.addresses: dict[str, list[str]] = {}

    async def resolve(self, host: str) -> list[str]:
        return self.addresses.get(host, ["93.184.216.34"])

    def publish(self, url: str, document: Any, status: int = 200, **headers: str) -> None:
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answers[url] = (status, content, headers)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answers.get(f"https://{request.headers['Host']}{request.url.raw_path.decode()}", (404, b"", {}))
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return await answer(request)
        status, content, headers = answer
        return httpx2.Response(status, content=content, headers=headers)


@dataclass
class Service:
    """One instance and what surrounds it. `klaviyo` is the sandbox."""

    server: AuthorizationServer
    klaviyo: Any
    clock: Clock
    documents: Documents
    vault: Vault
    config: AuthorizationConfig
    endpoint: Endpoint

    async def register(self, **more: Any) -> dict[str, Any]:
        reply = await self.server.register(json.dumps({"redirect_uris": [REDIRECT], **more}).encode())
        assert reply.status == 201, reply.body
        assert reply.body is not None
        return reply.body

    def another(self, vault: Vault | None = None, **changes: Any) -> "Service":
        """A second instance, which has only the store in common with this one where it has a `vault` of its own."""
        return new_service(vault or self.vault, self.klaviyo, self.clock, self.documents, self.endpoint, **changes)


def new_service(
    vault: Vault, klaviyo: Any, clock: Clock, documents: Documents, endpoint: Endpoint, **changes: Any
) -> Service:
    settings: dict[str, Any] = {
        "issuer": ISSUER,
        "secrets": (OWN_SECRET,),
        "app_id": klaviyo.client_id,
        "app_secret": Secret(klaviyo.client_secret),
        "api_url": klaviyo.url,
        "oauth_url": klaviyo.url,
    }
    config = AuthorizationConfig(**{**settings, **changes})
    server = AuthorizationServer(
        config,
        vault,
        endpoint,
        REGISTRY,
        clock=clock,
        resolver=documents.resolve,
        metadata_transport=documents,
    )
    return Service(server, klaviyo, clock, documents, vault, config, endpoint)


@dataclass
class Person:
    """Somebody with a browser: its cookies, and what it was last shown."""

    service: Service
    cookies: dict[str, str] = field(default_factory=dict)

    def takes(self, shown: Any) -> Any:
        for cookie in shown.cookies:
            if cookie.max_age:
                self.cookies[cookie.name] = cookie.value
            else:
                self.cookies.pop(cookie.name, None)
        return shown

    async def sees(self, redirect: Redirect | ErrorPage) -> ConsentPage:
        assert isinstance(redirect, Redirect), redirect
        word = parse_qs(urlsplit(redirect.location).query)["t"][0]
        page = self.takes(await self.service.server.consent_shown(word, self.cookies))
        assert isinstance(page, ConsentPage), page
        return page

    async def answers(self, page: ConsentPage, decision: str = "allow", level: str = "klaviyo:full") -> Any:
        form = [("t", page.transaction), ("csrf", page.csrf), ("level", level), ("decision", decision)]
        return self.takes(await self.service.server.consent_given(form, self.cookies))

    def at_klaviyo(self, redirect: Redirect, company: str = "DEMO01", scopes: str | None = None) -> list[Any]:
        """The parameters that Klaviyo sends the browser back with; `scopes` are those the person really allows."""
        self.service.klaviyo.control("oauth", auto_approve=True, company_id=company)
        url = httpx2.URL(redirect.location)
        if scopes is not None:
            url = url.copy_set_param("scope", scopes)
        return parse_qsl(urlsplit(self.service.klaviyo.consented(str(url))).query)

    async def returns(self, query: Any) -> Any:
        return self.takes(await self.service.server.callback(query, self.cookies))


@dataclass
class App:
    """An MCP client of one person, with a verifier for each authorization."""

    service: Service
    client_id: str
    secret: str | None = None
    redirect_uri: str = REDIRECT
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def query(self, **changes: str | None) -> list[tuple[str, str]]:
        own = {"client_id": self.client_id, "redirect_uri": self.redirect_uri, "resource": RESOURCE}
        return list(authorization(self.verifier, **{**own, **changes}).items())

    async def code(
        self, person: Person | None = None, level: str = "klaviyo:full", company: str = "DEMO01", **changes: Any
    ) -> str:
        """The code that a whole authorization ends with."""
        person = person or Person(self.service)
        page = await person.sees(await self.service.server.authorize(self.query(**changes)))
        redirect = await person.answers(page, level=level)
        assert isinstance(redirect, Redirect), redirect
        answer = answer_of(await person.returns(person.at_klaviyo(redirect, company)))
        return answer["code"]

    async def exchange(self, code: str, **changes: str | None) -> JsonReply:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **changes,
        }
        return await self.post(form)

    async def refresh(self, token: str, **changes: str | None) -> JsonReply:
        return await self.post({"grant_type": "refresh_token", "refresh_token": token, **changes})

    async def post(self, form: Mapping[str, str | None], to: Callable[..., Any] | None = None) -> JsonReply:
        sent = {"client_id": self.client_id, "client_secret": self.secret, **form}
        pairs = [(name, value) for name, value in sent.items() if value is not None]
        return await (to or self.service.server.token)(pairs, {})

    async def tokens(self, **more: Any) -> dict[str, Any]:
        """What a whole authorization leads to."""
        reply = await self.exchange(await self.code(**more))
        assert reply.status == 200, reply.body
        assert reply.body is not None
        return reply.body


def answer_of(redirect: Any) -> dict[str, str]:
    """The parameters of an answer to the client, each of which is there once."""
    assert isinstance(redirect, Redirect), redirect
    pairs = parse_qsl(urlsplit(redirect.location).query)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def error_of(reply: JsonReply) -> str:
    assert reply.status >= 400
    assert reply.body is not None
    return reply.body["error"]
