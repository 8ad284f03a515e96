"""How much of an answer is shown: text and structure alike, and always with the way to the rest.

What is cut is named: the part, how long it is, how much of it is shown. `part_of` reads one part alone, from where it
was cut, such as `record.html@8000` (characters of text, items of a list).
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from klaviyo_mcp.answers.dotted import below
from klaviyo_mcp.klaviyo.user_text import piece, said
from klaviyo_mcp.klaviyo.words import visible
from klaviyo_mcp.loose_json import JSON, is_list, is_object

TOKENS = 6_000
"""Tokens of one answer, where nothing else is set: its text and its structure may each have so many."""
BYTES_PER_TOKEN = 3
"""How tokens are estimated, as every model counts otherwise: three bytes of UTF-8 each. English has more to a token,
ids and times about so many; a letter of Chinese has three bytes and is a token, an emoji is more than one."""
BUDGET = TOKENS * BYTES_PER_TOKEN
"""Bytes of JSON in one answer."""
LEAST, MOST = 2_000, 500_000
"""Bytes that a client can ask for: what an answer needs to say how it goes on, and what Claude's clients take."""
CLIENTS_LIMIT = "anthropic/maxResultSizeChars"
"""The key of `_meta` under which clients and tools say how many characters a result may have."""
TAKEN_UNTOLD = 50_000
"""Characters of a result that Claude's clients take of a tool that says nothing."""
TEXT_LENGTHS = (8_000, 2_000, 500, 100)
"""How much of a long text is shown, tried in this order until an answer fits."""
LIST_LENGTHS = (50, 20, 5)
DEPTHS = (8, 6, 4, 3, 2)
MOST_NAMED = 20
STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d{1,9})\]")


class NoSuchPart(LookupError):
    """A part that an answer does not have; the message says what there is."""


def size_of(value: object) -> int:
    """Bytes of a value as compact JSON in UTF-8, hidden characters written as escapes: as large as its text is."""
    text = visible(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def asked_for(budget: int, meta: Mapping[str, Any] | None) -> int:
    """The budget of an answer: what its client asks for within bounds, else the server's own.

    Characters are no more than bytes, so that what is asked for in those is kept to.
    """
    wanted = (meta or {}).get(CLIENTS_LIMIT)
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted <= 0:
        return budget
    return min(max(wanted, LEAST), MOST)


def fitted(data: JSON, budget: int, keep: frozenset[str] = frozenset(), above: str = "") -> tuple[JSON, list[JSON]]:
    """Data cut until it fits, and what was cut: the part, its length, and how much is shown.

    First long texts are cut, then long lists, then what lies deep. The keys of `keep` are left whole. `above` is the
    path of the data in its answer.
    """
    if size_of(data) <= budget:
        return data, []
    cuts: list[JSON] = []
    for trim in _trims():
        cuts = []
        trimmed = {
            key: value if key in keep else trim(value, below(above, key), cuts, 0) for key, value in data.items()
        }
        if size_of(trimmed) + size_of(cuts[:MOST_NAMED]) <= budget:
            return trimmed, cuts[:MOST_NAMED]
    short = {key for key, value in data.items() if not (is_object(value) or is_list(value)) and size_of(value) <= 100}
    whole = [key for key in data if key not in keep | short]
    cuts = [{"part": below(above, key), "characters": size_of(data[key]), "shown": 0} for key in whole]
    return {key: data[key] for key in data if key in keep | short}, cuts[:MOST_NAMED]


def part_of(data: JSON, part: str, budget: int) -> JSON:
    """One part of an answer, from the place after its `@`, with `next_part` where it goes on. Raises NoSuchPart."""
    path, _, start = part.partition("@")
    value: object = data
    for step in STEP.finditer(path):
        name, index = step[1], step[2]
        if index is not None and is_list(value) and int(index) < len(value):
            value = value[int(index)]
        elif name is not None and is_object(value) and name in value:
            value = value[name]
        else:
            keys = f"keys: {', '.join(map(said, list(value)[:20]))}" if is_object(value) else ""
            there = keys or ("items" if is_list(value) else "text")
            raise NoSuchPart(f"there is no {step[0].lstrip('.')!r} in {path[: step.start()] or 'the answer'} ({there})")
    first = int(start) if start.isdecimal() and len(start) < 12 else 0
    room = budget - 400
    if isinstance(value, str):
        end = max(first, min(len(value), first + room // 2))
        while size_of(shown := piece(value, first, end)) > room:
            end = first + (end - first) * 3 // 4
        length, unit = len(value), "characters"
    elif is_list(value):
        end, taken = first, 0
        while end < len(value) and (taken := taken + size_of(value[end]) + 1) <= room:
            end += 1
        shown, length, unit = value[first:end], len(value), "items"
        if end == first < length:
            inner, cuts = fitted({"item": value[first]}, room, above=f"{path}[{first}]")
            cuts = [moved(cut, f"{path}[{first}].item", f"{path}[{first}]") for cut in cuts]
            shown, end = [inner.get("item")], first + 1
            return _answer(path, first, end, length, unit, shown) | {"cut": cuts}
    elif is_object(value):
        shown, cuts = fitted(value, room, above=path)
        return {"part": path, "value": shown, **({"cut": cuts} if cuts else {})}
    else:
        return {"part": path, "value": value}
    return _answer(path, first, end, length, unit, shown)


def moved(cut: JSON, old: str, new: str) -> JSON:
    """What is told of a cut, with a part that begins with another path."""
    part = cut["part"]
    return {**cut, "part": new + part[len(old) :] if part.startswith(old) else part}


def _answer(path: str, first: int, end: int, length: int, unit: str, shown: object) -> JSON:
    answer: JSON = {"part": path, unit: length, "from": first, "to": end, "value": shown}
    if end < length:
        answer["next_part"] = f"{path}@{end}"
    return answer


Trim = Callable[[object, str, list[JSON], int], object]


def _trims() -> list[Trim]:
    whole = 1_000_000
    trims = [_trim(length, whole, whole) for length in TEXT_LENGTHS]
    trims += [_trim(TEXT_LENGTHS[-1], length, whole) for length in LIST_LENGTHS]
    return trims + [_trim(TEXT_LENGTHS[-1], LIST_LENGTHS[-1], depth) for depth in DEPTHS]


def _trim(text: int, items: int, depth: int) -> Trim:
    """Cuts texts and lists to a length, and objects and lists below a depth to nothing."""

    def trim(value: object, path: str, cuts: list[JSON], level: int) -> object:
        if isinstance(value, str) and len(value) > text:
            cuts.append({"part": path + f"@{text}", "characters": len(value), "shown": text})
            return piece(value, 0, text) + "…"
        if level >= depth and (is_object(value) or is_list(value)) and value:
            cuts.append({"part": path, "characters": size_of(value), "shown": 0})
            return {} if is_object(value) else []
        if is_list(value):
            if len(value) > items:
                cuts.append({"part": path + f"@{items}", "items": len(value), "shown": items})
            return [trim(item, path + f"[{index}]", cuts, level + 1) for index, item in enumerate(value[:items])]
        if is_object(value):
            return {key: trim(inner, below(path, key), cuts, level + 1) for key, inner in value.items()}
        return value

    return trim
