"""Fetching documents from addresses that strangers name, without being led into our own network.

A host is resolved once, every one of its addresses is checked, and the connection goes to one that was. There is no
setting that turns this off. The draft on client ID metadata documents asks for it (section 6.6 in revision 00).
"""

import json
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

import anyio
import httpx2

from klaviyo_mcp.authorization.errors import ClientAway, ClientRefused
from klaviyo_mcp.authorization.redirects import has_dot_segments
from klaviyo_mcp.klaviyo.receiving import ACCEPT_ENCODING, UNREAD, BoundedTransport
from klaviyo_mcp.loose_json import JSON, is_object

Resolver = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises OSError when there are none."""
LONGEST = 5.0
"""Seconds that one fetch may take in all, resolving included."""
LARGEST = 10_240
"""Bytes of a document, unpacked. The draft speaks of 5 KiB."""
FRESH_AT_LEAST, FRESH_AT_MOST = 300.0, 86_400.0
"""Seconds for which a document is used without asking again, whatever its headers say."""
LONGEST_URL = 512
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_URL = re.compile(rf"https://((?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?)(?::443)?(/[!-~]+)")
_RESERVED_4 = [IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24")]
_PUBLIC_6 = IPv6Network("2000::/3")
_RESERVED_6 = [IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document, and for how many seconds it need not be fetched again."""

    document: JSON = field(repr=False)
    fresh_for: float


async def resolved(host: str) -> Sequence[str]:
    """What the system's resolver says of a host."""
    return [str(found[4][0]) for found in await anyio.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]


class MetadataFetch:
    """Fetches JSON objects by GET, without credentials, cookies, redirects and proxies."""

    def __init__(self, resolver: Resolver = resolved, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """`transport` None is the network."""
        self._resolver = resolver
        self._transport = transport

    async def get(self, url: str, *, query: bool = False) -> Fetched:
        """The document at `url`, which may have a query where `query` says so. Raises ClientRefused or ClientAway."""
        host, path = checked_url(url, query=query)
        try:
            with anyio.fail_after(LONGEST):
                address = await self._address(host)
                response = await self._answer(address, host, path)
        except (httpx2.HTTPError, TimeoutError, OSError, UnicodeError) as error:
            raise ClientAway(f"{url} cannot be fetched ({type(error).__name__}).") from None
        return _read(url, response)

    async def _address(self, host: str) -> str:
        addresses = [str(address) for address in await self._resolver(host)]
        if not addresses:
            raise ClientAway(f"{host} has no address.")
        if not all(is_public(address) for address in addresses):
            raise ClientRefused(f"{host} has an address that is not on the public internet.")
        return addresses[0]

    async def _answer(self, address: str, host: str, path: str) -> httpx2.Response:
        target = f"[{address}]" if ":" in address else address
        async with httpx2.AsyncClient(
            transport=BoundedTransport(self._inner(), LARGEST), follow_redirects=False, trust_env=False, timeout=LONGEST
        ) as client:
            return await client.get(
                f"https://{target}{path}",
                headers={"Host": host, "Accept": "application/json", "Accept-Encoding": ACCEPT_ENCODING},
                extensions={"sni_hostname": host},
            )

    def _inner(self) -> httpx2.AsyncBaseTransport:
        # A connection is for one request: a second one to the same address might be for another host, whose certificate
        # nobody has checked.
        return self._transport or httpx2.AsyncHTTPTransport(
            trust_env=False, limits=httpx2.Limits(max_connections=1, max_keepalive_connections=0)
        )


def checked_url(url: str, *, query: bool = False) -> tuple[str, str]:
    """Host and path (with the query, where there may be one) of a URL that may be fetched. Raises ClientRefused."""
    found = _URL.fullmatch(url)
    if found is None or len(url) > LONGEST_URL:
        raise ClientRefused(
            f"A metadata document needs an https URL with a host name, no port but 443 and a path, of at most "
            f"{LONGEST_URL} characters."
        )
    path = found[2]
    if "#" in path or "\\" in path or ("?" in path and not query):
        raise ClientRefused("The URL of a metadata document has neither a query nor a fragment.")
    if has_dot_segments(path.partition("?")[0]):
        raise ClientRefused("The URL of a metadata document has no dot segments.")
    return found[1], path


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, and hides none of another network.

    The standard library says so of some that reach into private networks by translation or tunnels (NAT64, 6to4,
    Teredo, mapped and compatible addresses), so the rule names what is allowed instead.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast and not any(ip in net for net in _RESERVED_4)
    return ip.scope_id is None and ip in _PUBLIC_6 and ip.is_global and not any(ip in net for net in _RESERVED_6)


def _read(url: str, response: httpx2.Response) -> Fetched:
    status = response.status_code
    if status in (401, 403, 408, 425, 429) or status >= 500:
        # Some hosts answer 403 to addresses of data centres.
        raise ClientAway(f"{url} answered {status}.")
    if status != 200:
        raise ClientRefused(f"{url} answered {status}, and only 200 is taken.")
    if (unread := response.extensions.get(UNREAD)) is not None:
        raise ClientRefused(f"{url} {unread}.")
    try:
        document = json.loads(response.content.decode())
    except (ValueError, RecursionError):
        raise ClientRefused(f"{url} is not JSON in UTF-8.") from None
    if not is_object(document):
        raise ClientRefused(f"{url} is not a JSON object.")
    return Fetched(document, min(max(_fresh_for(response.headers), FRESH_AT_LEAST), FRESH_AT_MOST))


def _fresh_for(headers: httpx2.Headers) -> float:
    control = headers.get("Cache-Control", "").lower()
    if "no-store" in control or "no-cache" in control:
        return 0.0
    if (found := re.search(r"max-age=\"?([0-9]{1,10})", control)) is not None:
        age = headers.get("Age", "0")
        return float(found[1]) - (float(age) if age.isdigit() else 0.0)
    try:
        expires, now = parsedate_to_datetime(headers["Expires"]), parsedate_to_datetime(headers["Date"])
        return (expires - now).total_seconds()
    except (KeyError, ValueError, TypeError):
        return 0.0
