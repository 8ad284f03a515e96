"""Collections of many pages: which pages are asked for, and when enough is there."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from klaviyo_mcp.actions.request import build
from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.klaviyo.errors import DeadlinePassed, QuotaExhausted, Throttled
from klaviyo_mcp.klaviyo.requests import ApiRequest, Reply
from klaviyo_mcp.loose_json import JSON, mapping, objects
from klaviyo_mcp.registry.registry import Action

FULL_ANSWER = 40_000
"""Characters of records after which no further page is asked for, where only what is shown is of use."""
MOST_KEPT = 8_000_000
"""The same, where the whole answer is kept and can be gone through: a few thousand profiles, ten thousand of events."""
LARGEST_PAGE = 100
"""Records of a page where the caller leaves its size open: what is cut for length is read again with its page."""
MANY = 1_000
"""Records from which pages are as large as they can be: so many are gone through whole, and not page by page."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Pages in order, Klaviyo's cursor by which each was asked for, and why it stopped early ("" when it did not)."""

    replies: tuple[Reply, ...]
    cursors: tuple[str | None, ...]
    stopped: str = ""


def wanted(action: Action, arguments: JSON) -> int | None:
    """How many records are asked for, where that may take several pages."""
    return arguments.get("max_records") if action.spec.result.paged else None


def first_page(action: Action, arguments: JSON) -> JSON:
    """The arguments of the first page, or of the only request there is.

    All pages have one size, as Klaviyo's cursors want it: as large as allowed and wanted. A given size is kept.
    """
    most = wanted(action, arguments)
    largest = action.spec.properties.get("page_size", {}).get("maximum")
    if most is None or largest is None or "page_size" in arguments:
        return arguments
    return {**arguments, "page_size": min(largest, most, LARGEST_PAGE if most <= MANY else largest)}


async def fetch_pages(
    action: Action,
    arguments: JSON,
    first: ApiRequest,
    send: Callable[[ApiRequest], Awaitable[Reply]],
    skip: int,
    enough: int = FULL_ANSWER,
) -> Fetched:
    """Page after page until as many records are there as wanted, the pages end, or the quota does, or it is full.

    One page where no number is wanted; `skip` records of it do not count. It is full with `enough` characters of
    records. Raises the KlaviyoError of the first page.
    """
    arguments = first_page(action, arguments)
    most = wanted(action, arguments)
    replies: list[Reply] = []
    cursors: list[str | None] = [arguments.get("cursor")]
    count, size, request = -skip, 0, first
    while True:
        try:
            replies.append(await send(request))
        except (QuotaExhausted, Throttled, DeadlinePassed) as error:
            if not replies:
                raise
            return Fetched(tuple(replies), tuple(cursors), error.message)
        document = mapping(replies[-1].document)
        cursor = jsonapi.next_cursor(document)
        if most is None or cursor is None:
            return Fetched(tuple(replies), tuple(cursors))
        records = [jsonapi.record(item) for item in objects(document.get("data"))]
        count += len(records)
        if count >= most:
            return Fetched(tuple(replies), tuple(cursors))
        size += len(json.dumps(records, ensure_ascii=False))
        if size >= enough:
            full = f"one call reads no more than {enough / 1e6:g} MB of records." if enough > FULL_ANSWER else ""
            return Fetched(tuple(replies), tuple(cursors), full)
        cursors.append(cursor)
        request = build(action, {**arguments, "cursor": cursor})
