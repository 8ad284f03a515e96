"""What Klaviyo says about its rate limits in the headers of an answer. What is not as Klaviyo writes it, says nothing.

`RateLimit-Limit: 10, 10;w=1, 150;w=60` is the limit of the window that binds, then every window with its seconds.
`RateLimit-Remaining` and `RateLimit-Reset` (whole seconds, rounded down) are of the window that binds, their forms that
end in `-Daily` of the day's. A 429 has none of them, but `Retry-After`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil

from klaviyo_mcp.klaviyo.requests import DAY, Bucket, QuotaLeft

LONGEST_RETRY_AFTER = float(DAY)
"""Klaviyo's longest window. A longer wait is nonsense, from a proxy for instance, and may be too large for a date."""
MOST = 1_000_000
"""Requests of one window: more than Klaviyo allows anyone."""
POLICY = re.compile(r"([0-9]{1,7});w=([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Said:
    """One window as Klaviyo sees it: requests it allows, those that are left, and seconds until it ends, if told."""

    name: str
    seconds: int
    amount: int
    left: int | None = None
    reset: int | None = None


def said(headers: Mapping[str, str], buckets: Iterable[Bucket]) -> list[Said]:
    """What the headers of an answer say about the buckets that its request counted against."""
    own = {(bucket.name, bucket.seconds): bucket.amount for bucket in buckets}
    limit = headers.get("RateLimit-Limit", "")
    policy = {int(seconds): int(amount) for amount, seconds in POLICY.findall(limit) if 0 < int(amount) <= MOST}
    name = _spoken_of(policy, own)
    binding = _binding(_whole(limit.partition(",")[0]), policy)
    found: list[Said] = []
    for seconds, amount in policy.items():
        if name is not None and (name, seconds) in own:
            of = "Daily" if seconds == DAY else "" if seconds == binding else None
            found.append(Said(name, seconds, amount, *(_left(headers, of) if of is not None else ())))
    # The day is told also where the windows are those of a shared bucket.
    day = next((bucket for bucket in own if bucket[1] == DAY), None)
    if day is not None and day not in {(one.name, one.seconds) for one in found}:
        found.append(Said(*day, own[day], *_left(headers, "Daily")))
    return found


def quota_left(headers: Mapping[str, str]) -> QuotaLeft:
    """The same for people: what is left in the window that binds, and today."""
    remaining, reset = _left(headers)
    today, reset_today = _left(headers, "Daily")
    limit = _whole(headers.get("RateLimit-Limit", "").partition(",")[0])
    return QuotaLeft(limit, remaining, reset, today, reset_today)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, whole ones from 1 to LONGEST_RETRY_AFTER; None where nothing that can be read is said.

    Klaviyo sends an integer; the HTTP standard also allows a date.
    """
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,9})?", text):
        seconds = float(text)
    else:
        try:
            seconds = (parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return None
    return float(ceil(min(max(seconds, 1.0), LONGEST_RETRY_AFTER)))


def _spoken_of(policy: dict[int, int], own: dict[tuple[str, int], int]) -> str | None:
    """Whose windows a policy has: with several buckets in play, Klaviyo names those of the one that binds."""
    names = list(dict.fromkeys(name for name, _ in own))
    if len(names) == 1:
        return names[0]
    fitting = [
        name for name in names if {seconds: amount for (of, seconds), amount in own.items() if of == name} == policy
    ]
    return fitting[0] if len(fitting) == 1 else None


def _binding(limit: int | None, policy: dict[int, int]) -> int | None:
    """The seconds of the window with this limit."""
    return next((seconds for seconds, amount in policy.items() if amount == limit and seconds != DAY), None)


def _left(headers: Mapping[str, str], of: str = "") -> tuple[int | None, int | None]:
    end = f"-{of}" if of else ""
    return _whole(headers.get(f"RateLimit-Remaining{end}", "")), _whole(headers.get(f"RateLimit-Reset{end}", ""))


def _whole(text: str) -> int | None:
    """A number that a rate limit may have, None for anything else."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 7 else None
