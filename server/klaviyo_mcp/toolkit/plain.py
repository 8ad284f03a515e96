"""Data as programs have it: that of an answer, and values of Python's own in arguments."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

from klaviyo_mcp.loose_json import JSON


def plain(data: JSON) -> JSON:
    """Data as it is over MCP: texts of customers are of a class of their own until here."""
    return json.loads(json.dumps(data))


def sendable(given: Mapping[str, Any]) -> JSON:
    """Arguments as JSON has them: a time as ISO 8601, a decimal as a number, a tuple or set as a list, and so on.

    What JSON has no form for stays as it is, and is refused by the call.
    """
    try:
        return {name: _sendable(value) for name, value in given.items()}
    except RecursionError:
        return dict(given)


def _sendable(value: Any) -> Any:
    match value:
        case Enum():
            return _sendable(value.value)
        case Decimal():
            return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
        case date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case Mapping():
            return {key: _sendable(one) for key, one in cast("Mapping[Any, Any]", value).items()}
        case list() | tuple() | set() | frozenset():
            return [_sendable(one) for one in cast("Iterable[Any]", value)]
        case _:
            return value
