"""The HTTP connections to Klaviyo: one pool that all accounts of a process share. It knows no credentials."""

import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

TIMEOUT = httpx2.Timeout(connect=5.0, read=60.0, write=30.0, pool=30.0)


class HttpPool:
    """Connections open at first use, and so do the certificates load, which takes 40 ms and 0.8 MB."""

    def __init__(
        self, transport: httpx2.AsyncBaseTransport | None = None, *, timeout: httpx2.Timeout = TIMEOUT
    ) -> None:
        """`transport` is for an in-process sandbox and for tests; None is the network, by the proxies of the system."""
        self.transport = transport
        self._timeout = timeout
        self._http: httpx2.AsyncClient | None = None

    @property
    def http(self) -> httpx2.AsyncClient:
        """The shared client. It keeps no cookie, since one set for an account would be sent for all others."""
        if self._http is None:
            self._http = httpx2.AsyncClient(
                transport=self.transport,
                verify=certificates() if self.transport is None else True,
                timeout=self._timeout,
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._http

    async def close(self) -> None:
        """Close all connections; no account that uses the pool can be used again."""
        if self._http is not None:
            await self._http.aclose()


@cache
def certificates() -> ssl.SSLContext:
    """Those that servers are trusted by, loaded once for all who make connections."""
    return httpx2.create_ssl_context()
