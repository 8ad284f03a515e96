"""Pages of what is worked out in memory, in an order of its own."""

from collections.abc import Sequence

from klaviyo_sandbox.calls import Call
from klaviyo_sandbox.errors import invalid_parameter
from klaviyo_sandbox.storage.store import Row


def page_of(call: Call, rows: Sequence[Row]) -> list[Row]:
    """The rows that `documents.many` wants of all `rows`: one more than a page, read on from the cursor's id."""
    cursor, most = call.query.cursor, call.query.size + 1
    if cursor is None:
        return list(rows[:most])
    places = {row.id: index for index, row in enumerate(rows)}
    if cursor.id not in places:
        raise invalid_parameter("page[cursor]", "Invalid cursor provided.")
    at = places[cursor.id]
    return list(rows[at + 1 : at + 1 + most] if cursor.forward else rows[:at][::-1][:most])
