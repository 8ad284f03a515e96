"""Requests the sandbox itself sends: webhooks, posted from a thread of their own so that nobody waits for them."""

import ipaddress
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

# Klaviyo waits this long for an answer.
ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: the status it was answered with, or why there was no answer."""

    status: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A POST request to be made, and whom to tell what became of it (called in the outbox's thread)."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    done: Callable[[Outcome], None]


class Outbox:
    """Posts parcels one after the other. Its thread lives only as long as there is something to post."""

    def __init__(self) -> None:
        """Begin with nothing to post."""
        self._waiting: deque[Parcel] = deque()
        self._lock = threading.Lock()
        self._working = False

    def post(self, parcel: Parcel) -> None:
        """Have a parcel posted soon."""
        with self._lock:
            self._waiting.append(parcel)
            if self._working:
                return
            self._working = True
        threading.Thread(target=self._work, name="sandbox-outbox", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._working = False
                    return
                parcel = self._waiting.popleft()
            parcel.done(_send(parcel))


def is_here(url: str) -> bool:
    """Whether a URL leads to this machine's loopback interface."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _send(parcel: Parcel) -> Outcome:
    if not is_here(parcel.url):
        return Outcome(error="Not delivered: the sandbox only sends to this machine.")
    parts = urlsplit(parcel.url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, parcel.body, dict(parcel.headers))
        return Outcome(status=connection.getresponse().status)
    except (OSError, HTTPException) as error:
        return Outcome(error=f"{type(error).__name__}: {error}")
    finally:
        connection.close()
