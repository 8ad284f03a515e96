"""Collections of many pages: how large the next page is, and when enough is there."""

import json
from collections.abc import Awaitable, Callable

from klaviyo_mcp.actions.request import build
from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.klaviyo.errors import QuotaExhausted, Throttled
from klaviyo_mcp.klaviyo.requests import ApiRequest, Reply
from klaviyo_mcp.loose_json import JSON, mapping, objects
from klaviyo_mcp.registry.registry import Action

FULL_ANSWER = 24_000
"""Characters of records after which no further page is fetched, so that what is read is also shown."""
FIRST_PAGE = 50
"""Records of the first page of many: enough to know how large they are."""


def wanted(action: Action, arguments: JSON) -> int | None:
    """How many records are asked for, where that may take several pages."""
    return arguments.get("max_records") if action.spec.result.paged else None


def first_page(action: Action, arguments: JSON) -> JSON:
    """The arguments of the first page, or of the only request there is."""
    most = wanted(action, arguments)
    return arguments if most is None else _page(action, arguments, most, 0, 0)


async def fetch_pages(
    action: Action, arguments: JSON, first: ApiRequest, send: Callable[[ApiRequest], Awaitable[Reply]]
) -> tuple[list[Reply], str]:
    """Page after page until as many records are there as wanted, the pages end, or the quota does, or it is full.

    Gives the replies, and why it stopped early ("" when it did not). Raises the KlaviyoError of the first page.
    """
    most = wanted(action, arguments) or 0
    replies: list[Reply] = []
    count = size = 0
    request = first
    while True:
        try:
            reply = await send(request)
        except (QuotaExhausted, Throttled) as error:
            if not replies:
                raise
            return replies, f"Stopped after {count} records: {error.message} Go on with next_cursor."
        replies.append(reply)
        document = mapping(reply.document)
        records = [jsonapi.record(item) for item in objects(document.get("data"))]
        count += len(records)
        size += len(json.dumps(records, ensure_ascii=False))
        cursor = jsonapi.next_cursor(document)
        if cursor is None or count >= most:
            return replies, ""
        if size >= FULL_ANSWER:
            full = "the answer is full. Go on with next_cursor or fewer fields."
            return replies, f"Stopped after {count} records: {full}"
        arguments = {**arguments, "cursor": cursor}
        request = build(action, _page(action, arguments, most, count, size))


def _page(action: Action, arguments: JSON, most: int, count: int, size: int) -> JSON:
    """The arguments of the next page of many: as large as allowed, wanted, and likely to fit. A given size is kept."""
    largest = action.spec.properties.get("page_size", {}).get("maximum")
    if largest is None or "page_size" in arguments:
        return arguments
    fitting = max(1, (FULL_ANSWER - size) * count // size) if size else FIRST_PAGE
    return {**arguments, "page_size": min(largest, most - count, fitting)}
