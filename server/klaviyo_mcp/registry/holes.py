"""The holes of a request template: which ones a template has, read without filling them.

A string that is exactly `$name` or `$name.field` is a hole. `$$` at the start of a string stands for one dollar sign.
An object whose only key is `$each`, `$filter` or `$concat` is a form that builds a value.
"""

import re
from collections.abc import Iterator
from typing import Any

from klaviyo_mcp.loose_json import is_list, is_object

WHOLE = re.compile(r"^\$([a-zA-Z_][a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_]+)*)$")
PATH_SEGMENT = re.compile(r"\$([a-zA-Z_][a-zA-Z0-9_]*)")
FORMS = ("$each", "$filter", "$concat")


def hole(value: Any) -> str | None:
    """The name in a hole (`$list_id` gives `list_id`), or None when the value is something else."""
    match = WHOLE.match(value) if isinstance(value, str) else None
    return match[1] if match else None


def holes(template: Any) -> Iterator[str]:
    """All hole names of a template, in order; those of an `$each` template's own `$item` are left out."""
    if is_object(template):
        for key, value in template.items():
            inner = holes(value)
            yield from (name for name in inner if not name.startswith("item")) if key == "$do" else inner
    elif is_list(template):
        for value in template:
            yield from holes(value)
    elif name := hole(template):
        yield name


def path_holes(path: str) -> list[str]:
    """The hole names of a path such as `/api/lists/$id/profiles`."""
    return PATH_SEGMENT.findall(path)
