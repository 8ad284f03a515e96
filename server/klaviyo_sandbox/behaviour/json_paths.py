"""The part of JSONPath that mappings use: one value by keys and indexes, such as `$.order['line items'][0].sku`."""

import re
from collections.abc import Iterator
from typing import Any

from klaviyo_sandbox.loose_json import step_into

_STEP = re.compile(r"\.([A-Za-z_$][\w$-]*)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


def is_json_path(text: str) -> bool:
    """Whether a path names at most one value."""
    return text.startswith("$") and _STEP.sub("", text[1:]) == ""


def look_up(path: str, document: Any) -> Any:
    """What a path names in a document, or None."""
    value = document
    for step in _steps(path):
        value = step_into(value, step)
    return value


def _steps(path: str) -> Iterator[str | int]:
    for match in _STEP.finditer(path[1:]):
        name, index, quoted, double = match.groups()
        yield int(index) if index is not None else next(text for text in (name, quoted, double) if text is not None)
