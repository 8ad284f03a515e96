"""The MCP SDK's own client with its OAuth provider, and a person who consents in a browser when it asks for it."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from anyio.to_thread import run_sync
from mcp.client import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from tests.hosted.driving import REDIRECT, Browser, parameters

ERAS = ("legacy", "2026-07-28")


class Storage:
    """What a client keeps between its starts."""

    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self.client = client
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Person:
    """Consents in a browser, at a level and for a company; `asked` are the requests of the client."""

    def __init__(self, url: str, *, level: str = "klaviyo:read", company: str = "DEMO01") -> None:
        self.url, self.level, self.company = url, level, company
        self.asked: list[dict[str, str]] = []
        self._answer: dict[str, str] = {}

    async def opens(self, url: str) -> None:
        """Go where the client says, and come back."""
        self.asked.append(parameters(url))
        self._answer = await run_sync(Browser(self.url).answered, self.asked[-1], self.level, self.company)

    async def returned(self) -> AuthorizationCodeResult:
        """What the client's own listener would have got."""
        return AuthorizationCodeResult(**self._answer)


class Wire(httpx2.AsyncHTTPTransport):
    """Every request and answer on its way, as `(method, path, status)`. No connection is kept."""

    def __init__(self) -> None:
        super().__init__(
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), limits=httpx2.Limits(max_keepalive_connections=0)
        )
        self.seen: list[tuple[str, str, int]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await super().handle_async_request(request)
        self.seen.append((request.method, request.url.path, answer.status_code))
        return answer

    def count(self, path: str, status: int | None = None) -> int:
        """How many requests there were for a path, with this status if one is given."""
        return sum(seen == path and status in (None, code) for _, seen, code in self.seen)


@asynccontextmanager
async def connected(
    url: str,
    era: str,
    person: Person,
    *,
    storage: Storage | None = None,
    wire: Wire | None = None,
    document: str | None = None,
    change: Callable[[OAuthClientMetadata], None] | None = None,
) -> AsyncIterator[Client]:
    """The SDK's client, which registers, authorizes and refreshes as it needs to."""
    metadata = OAuthClientMetadata(client_name="SDK", redirect_uris=[REDIRECT])  # pyright: ignore[reportArgumentType]
    if change:
        change(metadata)
    provider = OAuthClientProvider(
        f"{url}/mcp", metadata, storage or Storage(), person.opens, person.returned, client_metadata_url=document
    )
    async with (
        httpx2.AsyncClient(auth=provider, transport=wire or Wire(), timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=era) as client,  # pyright: ignore[reportArgumentType]
    ):
        yield client


async def account(client: Client) -> str:
    """Whose account the client's calls are for."""
    return (await call(client, "get_accounts"))["records"][0]["id"]


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """A tool's structured answer; an error fails the test."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content
