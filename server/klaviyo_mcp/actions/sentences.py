"""Sentences of specs with what was found put in: names in quotes, numbers in groups, long lists cut."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from klaviyo_mcp.actions.request import ABSENT
from klaviyo_mcp.klaviyo.user_text import repeated, written
from klaviyo_mcp.loose_json import JSON, is_list, is_object

BLANK = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_.]*)(?: in ([a-zA-Z_][a-zA-Z0-9_.]*))?\}")
"""What is put in, and the time zone that it is told in."""
PLAIN_NAME = re.compile(r"[\w$-]+( [\w$-]+){0,3}(\.[\w$-]+( [\w$-]+){0,3})*")
"""A field's name of a few words in each part."""
MOST_NAMED = 10
"""Names of a list that a sentence tells; of more, how many there are besides."""
MOST_FIELDS = 25
"""Fields of records, each with its value."""
NOTHING: tuple[Any, ...] = (None, "", [])


def filled(text: str, values: JSON) -> str | None:
    """A sentence, None where a part of it is not known or empty. Words that people wrote are set apart."""
    lacking = False

    def put(blank: re.Match[str]) -> str:
        nonlocal lacking
        value = read_through(blank[1], values)
        if value is ABSENT or value in NOTHING:
            lacking = True
            return ""
        if blank[2] is None:
            return _said(value)
        moment = _in_zone(value, read_through(blank[2], values))
        lacking = lacking or moment is None
        return moment or ""

    found = BLANK.sub(put, text)
    return None if lacking else found


def read_through(path: str, values: JSON) -> Any:
    """The value at a path such as `list.name`, or ABSENT; a path through a list finds what its items have there."""
    value: Any = values
    parts = path.split(".")
    for index, part in enumerate(parts):
        if is_list(value):
            if part.isdecimal():
                if int(part) >= len(value):
                    return ABSENT
                value = value[int(part)]
                continue
            rest = ".".join(parts[index:])
            found = [read_through(rest, item) for item in value if is_object(item)]
            kept = [one for one in found if one is not ABSENT and one not in NOTHING]
            return [inner for one in kept for inner in (one if is_list(one) else [one])]
        if not is_object(value) or part not in value:
            return ABSENT
        value = value[part]
    return value


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    if is_object(value):
        return ", ".join(f"{_name(name)} {_said(inner)}" for name, inner in value.items())
    if is_list(value):
        most = MOST_FIELDS if any(map(is_object, value)) else MOST_NAMED
        more = f" and {len(value) - most:,} more" if len(value) > most else ""
        return ", ".join(_said(one) for one in value[:most]) + more
    return repeated(value)


def _name(name: str) -> str:
    """A dotted name of a field as it is; what could hold a sentence is set apart."""
    return name if PLAIN_NAME.fullmatch(name) else repeated(written(name))


def _in_zone(value: Any, zone: Any) -> str | None:
    """A moment as clocks in a time zone show it; None for what is no moment, or no zone."""
    try:
        moment = datetime.fromisoformat(str(value))
        local = moment.astimezone(ZoneInfo(str(zone))) if moment.tzinfo else None
    except (ValueError, ZoneInfoNotFoundError):
        return None
    return f"{local:%Y-%m-%d %H:%M} in {zone}" if local else None
