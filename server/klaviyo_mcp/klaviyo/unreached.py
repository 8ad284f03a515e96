"""Why a server was not reached, in words. Nothing was sent in any of these cases; that is for the caller to know."""

import os
import socket
import ssl
from collections.abc import Iterator
from typing import Any, cast

import httpx2

from klaviyo_mcp.klaviyo.errors import (
    CertificateRefused,
    ConnectionFailed,
    NotSent,
    ProxyRefused,
    Unsendable,
)
from klaviyo_mcp.klaviyo.route import Proxy

NEVER_LEFT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    httpx2.InvalidURL,
)
"""What can only go wrong before a request leaves."""
NOT_READ = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""Where other programs look for certificates, and this one does not."""
AUTHENTICATION = "407"


class Departure:
    """Watches one request on its way (httpx2's `trace`). Asking a proxy for a way (CONNECT) is not yet leaving."""

    def __init__(self) -> None:
        """Nothing has been seen."""
        self.begin()

    def begin(self) -> None:
        """An attempt begins: of this one, nothing has left."""
        self.left = False
        self._whole = False
        self._seen = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        """What the transport does next."""
        self._seen = True
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.left = True
        elif self.left and event.endswith("send_request_body.complete"):
            self._whole = True

    def prevented(self, error: Exception) -> bool:
        """Whether an error came before the request left. A transport that shows nothing is judged by the error."""
        return isinstance(error, (*NEVER_LEFT, UnicodeError)) or (self._seen and not self.left)

    def left_in_part(self, request: httpx2.Request) -> bool:
        """Whether a request with a body left, and its body not to the end: no server can carry that out."""
        return self.left and not self._whole and request.headers.get("Content-Length", "0") != "0"


def not_reached(error: Exception, url: httpx2.URL, what: str, proxy: Proxy | None) -> NotSent:
    """The error to raise for one that kept a request to `url` from leaving. `what` says which request, for people.

    Its own text is left out: it may hold an address with a key in it.
    """
    if isinstance(error, httpx2.LocalProtocolError | httpx2.InvalidURL | httpx2.UnsupportedProtocol | UnicodeError):
        return Unsendable(f"{what} cannot be written as an HTTP request ({type(error).__name__}).")
    by = f" by the proxy {proxy.place} of {proxy.variable}" if proxy else ""
    certificate = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return CertificateRefused(
            f"The certificate of {url.host}{f', reached{by},' if by else ''} is not trusted: "
            f"{certificate.verify_message.rstrip('.')}.",
            _certificate_advice(certificate),
        )
    if isinstance(error, httpx2.ProxyError) and proxy:
        return proxy_refused(str(error).partition(" ")[0], url, proxy)
    advice = None
    if proxy:
        advice = (
            f"Check the network and whether {proxy.variable} names the right proxy (a URL beginning with http:// for "
            "most); calling again is safe, nothing was sent."
        )
    return ConnectionFailed(f"No connection to {url.host}{by} for {what} ({_reason(error)}).", advice)


def proxy_refused(status: str, url: httpx2.URL, proxy: Proxy) -> ProxyRefused:
    """The error for a proxy that does not let a request through, by its status where it gave one."""
    told = f" ({status})" if status.isdecimal() else ""
    if status == AUTHENTICATION:
        advice = (
            f"The proxy wants a name and a password: a person has to write them into {proxy.variable} "
            "(http://NAME:PASSWORD@HOST:PORT, special characters percent-encoded) and start klaviyo-mcp again."
        )
    else:
        advice = (
            f"Ask who runs the proxy to allow {url.host}, or have a person correct {proxy.variable}, or except "
            f"{url.host} with NO_PROXY, and start klaviyo-mcp again."
        )
    return ProxyRefused(f"The proxy {proxy.place} of {proxy.variable} refused to connect to {url.host}{told}.", advice)


def _certificate_advice(fault: ssl.SSLCertVerificationError) -> str:
    match fault.verify_message:
        case message if "expired" in message or "not yet valid" in message:
            return "Check this machine's clock first; if it is right, the certificate has to be renewed by who runs it."
        case message if "mismatch" in message or "not valid for" in message:
            return "Check KLAVIYO_BASE_URL: something other than what it names answers there."
        case _:
            named = [name for name in NOT_READ if os.environ.get(name)]
            ignored = f" Set but not read here: {', '.join(named)}." if named else ""
            return (
                "In a network that opens TLS, or with a private authority, a person has to set SSL_CERT_FILE to a PEM "
                f"file with all trusted authorities, that one among them, and start klaviyo-mcp again.{ignored}"
            )


def _reason(error: Exception) -> str:
    """The kind of a transport error, and its cause where that is plain."""
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                return f"{type(error).__name__}: the name is not known"
            case ConnectionRefusedError():
                return f"{type(error).__name__}: nothing listens there"
            case ssl.SSLError():
                return f"{type(error).__name__}: no TLS handshake"
            case _:
                continue
    return type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            # Several addresses were tried.
            for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__
