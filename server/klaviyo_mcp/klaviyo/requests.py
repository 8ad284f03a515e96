"""What goes out to Klaviyo and what comes back, as plain values. No I/O."""

from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any, Literal
from urllib.parse import quote

REVISION = "2026-07-15"
"""The revision of Klaviyo's API that operations are described by, where a spec does not say another."""

LONGEST_TARGET = 8_000
"""Characters of path and query that a request may have. Klaviyo documents no limit and has answered 414; web servers
and proxies commonly hold a request line to 8 KiB, method and protocol included, so anything longer is not sent."""


Repeatable = Literal["read", "idempotent", "once"]
"""What doing a request twice means: nothing, the same as once, or something else."""
Expected = Literal["data", "nothing", "anything"]
"""What Klaviyo documents of a success: a body with `data`, no body, or neither of both."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A quota that a request counts against: `amount` requests in any `seconds`. Equal names share a count."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One HTTP request to Klaviyo, complete but for credentials.

    `path` is percent-encoded and starts with /api/ or /client/. `query` values are plain text, not yet encoded. `body`
    is JSON, `form` the fields of a multipart body; a file field is (file name, content). `needs_company_id` asks the
    client to add the account's public key to the query. `revision` is that of the API which it is written for.
    `repeatable` says what sending it twice would do, `expects` what Klaviyo documents as the body of a success.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None
    form: dict[str, str | tuple[str, bytes]] | None = None
    operation: str = ""
    needs_company_id: bool = False
    buckets: tuple[Bucket, ...] = ()
    revision: str = REVISION
    repeatable: Repeatable = "once"
    expects: Expected = "anything"

    @property
    def target(self) -> str:
        """Path and percent-encoded query, as they go over the wire."""
        query = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in self.query)
        return f"{self.path}?{query}" if query else self.path


@dataclass(frozen=True, slots=True)
class QuotaLeft:
    """What Klaviyo says is left: `remaining` of `limit` in the window that binds, which resets in `reset_seconds`.

    `remaining_today` and `reset_today_seconds` are set for operations with a daily limit.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: int | None = None
    remaining_today: int | None = None
    reset_today_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Klaviyo's answer to a request that succeeded. `document` is the JSON body, None when there is none.

    `partial_failure` is what Klaviyo says it dropped of what was sent, such as phone_number; it says so in a header.
    `attempts` is how often the request was sent, `before` what became of the attempts before the last, in words.
    """

    status: int
    document: Any = None
    quota: QuotaLeft = field(default_factory=QuotaLeft)
    request_id: str | None = None
    partial_failure: str | None = None
    attempts: int = 1
    before: tuple[str, ...] = ()


@dataclass(slots=True)
class WaitBudget:
    """How long a call may still wait for quota, in seconds. One call shares it among all its requests.

    Requests of one call wait side by side; the time they wait together counts once. `waited` is what has been spent so
    far, in seconds, and `reasons` what for, each once. `ends` is when the call has to be over, waits and requests
    alike, on the clock of `monotonic`.
    """

    seconds: float
    waited: float = 0.0
    reasons: list[str] = field(default_factory=list[str])
    ends: float = inf
    _waiting_until: float = 0.0

    def covers(self, wait: float) -> bool:
        """Whether a wait of this many seconds, from now, is still allowed."""
        return self._further(wait) <= self.seconds and self.has_time(wait)

    @property
    def left(self) -> float:
        """Seconds until the call has to be over; none or fewer when it has."""
        return self.ends - monotonic()

    def has_time(self, seconds: float) -> bool:
        """Whether the call may go on for longer than so many seconds."""
        return seconds < self.left

    def spend(self, wait: float, reason: str) -> None:
        """Take a wait that begins now off what is left; `reason` is for people."""
        further = self._further(wait)
        self.seconds -= further
        self.waited += further
        if reason not in self.reasons:
            self.reasons.append(reason)
        self._waiting_until = max(self._waiting_until, monotonic() + wait)

    def _further(self, wait: float) -> float:
        """The part of a wait that goes beyond those already begun."""
        now = monotonic()
        return max(0.0, now + wait - max(now, self._waiting_until))
