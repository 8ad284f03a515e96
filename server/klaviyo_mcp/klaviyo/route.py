"""The way to a server: straight, or by the proxy that the environment names, with the certificates that it names.

What the environment says is read at the first request to a host, not at the start, and only as far as that request
needs it: a proxy for others or certificates for plain HTTP are no fault. Values are never shown, as a proxy's URL may
hold a password.
"""

import os
import re
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import httpx2

from klaviyo_mcp.klaviyo.errors import NetworkSettingWrong

SCHEMES = ("http", "https", "socks5", "socks5h")
PROXY_ADVICE = (
    "A person has to correct or unset it where klaviyo-mcp is configured and start klaviyo-mcp again; a proxy is "
    "written like http://proxy.example.org:3128. NO_PROXY=a.klaviyo.com leaves proxies out for Klaviyo alone."
)
SOCKS_ADVICE = (
    "A person has to install klaviyo-mcp with its extra socks (pip install 'klaviyo-mcp[socks]', or uvx --with "
    "socksio klaviyo-mcp), name a proxy that speaks HTTP instead, or leave proxies out for Klaviyo with "
    "NO_PROXY=a.klaviyo.com, and start klaviyo-mcp again."
)


@dataclass(frozen=True, slots=True, repr=False)
class Proxy:
    """A proxy, and the variable (or settings) it is in. `url` may hold a password, `place` is host and port alone."""

    variable: str
    url: httpx2.URL

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.url.netloc.decode("ascii")


IN_A_LANE = 8
LANES = 12
CONNECTIONS = httpx2.Limits(max_connections=IN_A_LANE, max_keepalive_connections=IN_A_LANE)
"""Of a lane. The library looks at every connection it keeps whenever it sends a request, and closes those above a
number after each, so that neither one pool of many nor one of few is cheap when a hundred calls are under way."""
UNUSED = 10.0
"""Seconds after which a lane that was opened for a crowd is closed, at the next request by the same way."""


class SystemRoute(httpx2.AsyncBaseTransport):
    """Sends each request by the way that the environment says. Connections are opened at first use, and kept.

    A way has lanes, each with a few connections. The first is enough for most; others are for many calls at once.
    """

    def __init__(self, unused: float = UNUSED) -> None:
        """Nothing is read from the environment yet. A lane beside the first is closed when it is `unused` so long."""
        self._unused = unused
        self._ways: dict[tuple[str, str, int | None], list[_Lane]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises NetworkSettingWrong where the environment names a way that cannot be gone."""
        url = request.url
        lanes = self._ways.setdefault((url.scheme, url.host, url.port), [])
        lane = next((lane for lane in lanes if lane.busy < IN_A_LANE), None)
        if lane is None and len(lanes) < LANES:
            lane = _Lane(_way(url))
            lanes.append(lane)
        response = await (lane or min(lanes, key=lambda each: each.busy)).send(request)
        if len(lanes) > 1 and lanes[-1].unused() > self._unused:
            await lanes.pop().transport.aclose()
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for lanes in self._ways.values():
            for lane in lanes:
                await lane.transport.aclose()


@dataclass(slots=True)
class _Lane:
    """A few connections, and how many requests are under way on them, up to the ends of their answers."""

    transport: httpx2.AsyncHTTPTransport
    busy: int = 0
    left_at: float = 0.0

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        self.busy += 1
        try:
            response = await self.transport.handle_async_request(request)
        except BaseException:
            self.leave()
            raise
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - an async transport's always is
        response.stream = _InLane(response.stream, self)
        return response

    def leave(self) -> None:
        self.busy -= 1
        self.left_at = time.monotonic()

    def unused(self) -> float:
        return 0 if self.busy else time.monotonic() - self.left_at


class _InLane(httpx2.AsyncByteStream):
    """The body of an answer. Its request has left the lane when it is closed."""

    def __init__(self, inner: httpx2.AsyncByteStream, lane: _Lane) -> None:
        self._inner, self._lane = inner, lane
        self._open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            yield piece

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            if self._open:
                self._open = False
                self._lane.leave()


def check_route(url: str) -> Proxy | None:
    """The proxy by which requests to `url` would go. Raises NetworkSettingWrong where they could not be sent at all."""
    parsed = httpx2.URL(url)
    _way(parsed)
    return proxy_for(parsed)


def _way(url: httpx2.URL) -> httpx2.AsyncHTTPTransport:
    proxy = proxy_for(url)
    # The certificates take 40 ms to load, so plain HTTP goes without: a context of its own that trusts nobody.
    needs_tls = "https" in (url.scheme, proxy and proxy.url.scheme)
    trusted = certificates() if needs_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if proxy is None:
        return httpx2.AsyncHTTPTransport(verify=trusted, limits=CONNECTIONS)
    tls = trusted if proxy.url.scheme == "https" else None
    try:
        return httpx2.AsyncHTTPTransport(
            verify=trusted, limits=CONNECTIONS, proxy=httpx2.Proxy(proxy.url, ssl_context=tls)
        )
    except ImportError:
        raise NetworkSettingWrong(
            f"The proxy in {proxy.variable} speaks SOCKS, for which a package is missing.", SOCKS_ADVICE
        ) from None


def proxy_for(url: httpx2.URL) -> Proxy | None:
    """The proxy that the environment, or else the system, names for a URL. Raises NetworkSettingWrong."""
    proxies = getproxies()
    kind = url.scheme if proxies.get(url.scheme) else "all"
    value = proxies.get(kind)
    if not value or _is_excepted(url, proxies.get("no", "")):
        return None
    # In lower case it is the one that counts, where both are set.
    names = (name for name in (f"{kind}_proxy", *os.environ) if name.lower() == f"{kind}_proxy")
    variable = next((name for name in names if os.environ.get(name)), "the system's settings")
    try:
        proxy = Proxy(variable, httpx2.URL(value if "://" in value else f"http://{value}"))
    except httpx2.InvalidURL:
        raise NetworkSettingWrong(f"The proxy in {variable} is not written as a URL.", PROXY_ADVICE) from None
    if proxy.url.scheme not in SCHEMES:
        raise NetworkSettingWrong(
            f"The proxy in {variable} does not begin with http://, https://, socks5:// or socks5h://.",
            PROXY_ADVICE,
        )
    port = proxy.url.port
    if not re.fullmatch(r"[\w.-]+|[0-9a-f:]+", proxy.url.host) or (port is not None and not 0 < port < 65_536):
        raise NetworkSettingWrong(f"The proxy in {variable} is not written as a URL.", PROXY_ADVICE)
    return proxy


def _is_excepted(url: httpx2.URL, exceptions: str) -> bool:
    """Whether NO_PROXY names a host: as the standard library reads it, and by `*.` or a network of addresses too."""
    host = url.host
    return bool(proxy_bypass(f"{host}:{url.port}" if url.port and ":" not in host else host)) or any(
        fnmatch(host, entry.lower()) or _is_within(host, entry) for entry in re.split(r"[,\s]+", exceptions) if entry
    )


def _is_within(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network.strip("[]"), strict=False)
    except ValueError:
        return False


@cache
def certificates() -> ssl.SSLContext:
    """Those that servers are trusted by, loaded once for all who make connections. Raises NetworkSettingWrong."""
    variable = certificates_variable()
    if variable is None:
        return httpx2.create_ssl_context()
    try:
        if variable == "SSL_CERT_DIR" and not any(_has_files(part) for part in os.environ[variable].split(os.pathsep)):
            raise NetworkSettingWrong("SSL_CERT_DIR names no folder that holds files.")
        return httpx2.create_ssl_context()
    except FileNotFoundError:
        why = "names a file that does not exist"
    except ssl.SSLError:
        why = "names a file that holds no certificates in PEM"
    except OSError as error:
        why = f"names what cannot be read ({error.strerror or type(error).__name__})"
    raise NetworkSettingWrong(f"{variable} {why}.")


def certificates_variable() -> str | None:
    """The variable that names the trusted certificates; None when they are the system's."""
    return next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), None)


def _has_files(folder: str) -> bool:
    return Path(folder).is_dir() and any(Path(folder).iterdir())
