"""Which name or value was probably meant: by meaning first, by spelling last, and none rather than a wrong one."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

SYNONYMS: dict[str, tuple[str, ...]] = {
    "limit max max_results top first n count total": ("max_records", "page_size"),
    "per_page size page_limit results_per_page pagesize": ("page_size", "max_records"),
    "order order_by sort_by orderby sortby ordering sorting sort_order direction": ("sort",),
    "q query search where filters search_term conditions": ("filter",),
    "page offset page_cursor next next_cursor after next_page page_token": ("cursor",),
    "expand includes with embed": ("include",),
    "from since start start_date start_time after_date end end_date until to period range date_range": ("timeframe",),
    "tz time_zone": ("timezone",),
    "granularity resolution": ("interval",),
    "e_mail mail email_address mail_address": ("email", "emails"),
    "phone mobile tel telephone phone_no cell": ("phone_number",),
    "firstname fname given_name": ("first_name",),
    "lastname lname surname family_name": ("last_name",),
    "title label": ("name",),
    "name label": ("title",),
    "amount": ("value",),
    "timestamp datetime occurred_at": ("time",),
    "event event_name metric_name": ("metric",),
    "attributes data props custom_properties": ("properties",),
    "created date_created creation_date": ("created_at",),
    "created_at date_created creation_date": ("created",),
    "updated date_updated modified": ("updated_at",),
    "updated_at date_updated modified": ("updated",),
    "uuid identifier key": ("id",),
    "list": ("list_id",),
    "segment": ("segment_id",),
}
"""Words that people use, and our names for the same, the likeliest first."""
LONGEST_WORD = 1_000
"""Characters that a value may have to be the slip of an allowed one."""
FIELDS_WORDS = frozenset(["fields", "select", "columns", "return_fields", "attributes"])
DESCENDING = frozenset(["desc", "descending", "newest", "latest"])
ASCENDING = frozenset(["asc", "ascending", "oldest"])


def name_meant(given: str, known: Iterable[str]) -> str:
    """The one of the known names that was meant, empty when that cannot be told."""
    names = list(known)
    asked = _plain(given)
    if same := [name for name in names if _plain(name) == asked]:
        return same[0]
    if asked in FIELDS_WORDS and "fields" in names:
        return "fields"
    if asked in FIELDS_WORDS and len(sparse := [name for name in names if name.endswith("_fields")]) == 1:
        return sparse[0]
    for words, meant in SYNONYMS.items():
        if asked in words.split() and (found := [name for name in meant if name in names]):
            return found[0]
    ids = [name for name in names if name == "id" or name.endswith("_id")]
    if (asked == "id" or asked.endswith("_id")) and len(ids) == 1 and "id" in (asked, ids[0]):
        return ids[0]
    return slip_of(asked, names)


def value_meant(given: object, allowed: Sequence[Any]) -> str:
    """The one of the allowed values that was meant, empty when that cannot be told. A sort keeps its direction."""
    if not isinstance(given, str) or len(given) > LONGEST_WORD:
        return ""
    values = [value for value in allowed if isinstance(value, str)]
    if any(value.startswith("-") for value in values):
        return _sort_meant(given, values)
    return name_meant(given, values)


def slip_of(given: str, known: Iterable[str]) -> str:
    """The known word that the given one is but for slips of the pen: word by word the same stem, never only letters."""
    asked = _plain(given).split("_")
    found = [name for name in known if _slipped(asked, _plain(name).split("_"))]
    return max(found, key=lambda name: _ratio(_plain(given), _plain(name)), default="")


def _sort_meant(given: str, values: list[str]) -> str:
    words = [word for word in re.split(r"[^\w.]+", given.lower().strip()) if word]
    down = given.strip().startswith("-") or bool(DESCENDING & set(words))
    field = "_".join(word for word in words if word not in DESCENDING | ASCENDING)
    plain = [value.lstrip("-") for value in values]
    meant = name_meant(field, dict.fromkeys(plain)) if field else ""
    signed = f"-{meant}" if down else meant
    return signed if signed in values else ""


def _slipped(asked: list[str], own: list[str]) -> bool:
    if len(asked) != len(own):
        return _ratio("".join(asked), "".join(own)) >= 0.9
    return all(
        word == other or (bool(word) and word[:1] == other[:1] and len(other) > 2 and _ratio(word, other) >= 0.75)
        for word, other in zip(asked, own, strict=True)
    )


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _plain(name: str) -> str:
    """A name in snake_case, whatever way of writing it came in: camelCase, page[size], data-source."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:100])
    return re.sub(r"[^\w]+", "_", spaced).strip("_").lower()
