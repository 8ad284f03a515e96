"""The HTTP connections to Klaviyo: one pool that all accounts of a process share. It knows no credentials."""

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from klaviyo_mcp.klaviyo.interruption import Interruptions
from klaviyo_mcp.klaviyo.receiving import ACCEPT_ENCODING, LARGEST_ANSWER, BoundedTransport
from klaviyo_mcp.klaviyo.route import Proxy, SystemRoute, proxy_for

TIMEOUT = httpx2.Timeout(connect=5.0, read=60.0, write=30.0, pool=30.0)
LONGEST_EXCHANGE = 90.0
"""Seconds that one request may take in all, where nothing else is set: a drip of bytes has no end by itself."""


class HttpPool:
    """Connections open at first use, and so do the certificates load, which takes 40 ms and 0.8 MB."""

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        timeout: httpx2.Timeout = TIMEOUT,
        longest: float = LONGEST_EXCHANGE,
        largest: int = LARGEST_ANSWER,
    ) -> None:
        """`transport` is for an in-process sandbox and for tests; None is the network, by the proxies of the system.

        `longest` is how many seconds one request may take in all, `largest` how many bytes one answer may have.
        """
        self.transport = transport
        self.longest = longest
        self._largest = largest
        self.interruptions = Interruptions()
        self._timeout = timeout
        self._http: httpx2.AsyncClient | None = None

    @property
    def http(self) -> httpx2.AsyncClient:
        """The shared client. It keeps no cookie, since one set for an account would be sent for all others."""
        if self._http is None:
            self._http = httpx2.AsyncClient(
                transport=BoundedTransport(self.transport or SystemRoute(), self._largest),
                headers={"Accept-Encoding": ACCEPT_ENCODING},
                timeout=self._timeout,
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._http

    def proxy(self, url: httpx2.URL) -> Proxy | None:
        """The proxy that a request to `url` goes by. Raises NetworkSettingWrong."""
        return proxy_for(url) if self.transport is None else None

    async def close(self) -> None:
        """Close all connections; no account that uses the pool can be used again."""
        if self._http is not None:
            await self._http.aclose()
