"""From a place in the request that Klaviyo names to the argument that the caller gave for it, also through lists."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from klaviyo_mcp.loose_json import is_list, is_object
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.model import ActionSpec, HttpRequest


def argument_at(source: str, spec: ActionSpec | None) -> str:
    """The argument behind `/data/attributes/profiles/data/1/attributes/email`, `page[size]` or `page_size`.

    That is `profiles[1].email`, or "" where no single argument is behind it.
    """
    if spec is None or not isinstance(spec.request, HttpRequest) or not source:
        return ""
    if source in spec.properties:
        return source
    for key, part in spec.request.query.items():
        if source in (key, key.replace("[", "_").rstrip("]")):
            return hole(part) or source
    parts = [part for part in source.strip("/").split("/") if part]
    found = _walk(spec.request.body, parts, "")
    # Where the place itself tells nothing, its last word may be an argument's name.
    return found or (parts[-1] if parts and parts[-1] in spec.properties else "")


def _walk(template: Any, parts: Sequence[str], item: str) -> str:
    """The argument at `parts` inside a template; `item` is what `$item` stands for there."""
    if name := hole(template):
        return _joined(_named(name, item), parts)
    if is_object(template):
        if "$each" in template:
            return _in_each(template, parts, item)
        if "$concat" in template:
            return _in_concat(template["$concat"], parts, item)
        if parts and (key := _key(template, parts[0])) is not None:
            return _walk(template[key], parts[1:], item)
    elif is_list(template) and parts and parts[0].isdecimal() and int(parts[0]) < len(template):
        return _walk(template[int(parts[0])], parts[1:], item)
    # A place with several holes inside: what they have in common.
    return item if parts else _common([*_holes(template, item)])


def _in_each(template: Any, parts: Sequence[str], item: str) -> str:
    whole = _walk(template["$each"], (), item)
    if not parts or not parts[0].isdecimal():
        return whole
    return _walk(template["$do"], parts[1:], f"{whole}[{int(parts[0])}]")


def _in_concat(joined: Any, parts: Sequence[str], item: str) -> str:
    """Only the places of constants that stand first are known; what comes after them is the one list that was given."""
    given = [name for part in joined if (name := hole(part))]
    if len(given) != 1 or not parts or not parts[0].isdecimal():
        return _common([_named(name, item) for name in given])
    index = int(parts[0]) - sum(len(part) for part in joined if is_list(part))
    return _joined(f"{_named(given[0], item)}[{index}]", parts[1:]) if index >= 0 else ""


def _key(template: dict[str, Any], part: str) -> str | None:
    return next((key for key in template if key.replace("-", "_") == part.replace("-", "_")), None)


def _named(name: str, item: str) -> str:
    first, _, rest = name.partition(".")
    return _joined(item, rest.split(".") if rest else ()) if first == "item" and item else name


def _joined(name: str, parts: Sequence[str]) -> str:
    return name + "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts)


def _holes(template: Any, item: str) -> Iterator[str]:
    if name := hole(template):
        yield _named(name, item)
    elif is_object(template) and "$each" in template:
        yield from _holes(template["$each"], item)
    elif is_object(template) or is_list(template):
        for inner in template.values() if is_object(template) else template:
            yield from _holes(inner, item)


def _common(names: list[str]) -> str:
    """The longest path that all names begin with."""
    if not names:
        return ""
    split = [re.findall(r"\[\d+\]|[^.\[]+", name) for name in names]
    common: list[str] = []
    for words in zip(*split, strict=False):
        if len(set(words)) > 1:
            break
        common.append(words[0])
    return "".join(word if word.startswith("[") else f".{word}" for word in common).lstrip(".")
