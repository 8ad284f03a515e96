"""Words that a shop's customers and visitors wrote: data that must never be taken for instructions.

They are told from everything else by their class, which slicing, adding, `joined` and `line_of` keep, and which
`packed` carries through JSON. Whoever makes a text for an agent marks them with `said`; whoever must leave them out
finds them by `is_written_by_users`.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, SupportsIndex

from klaviyo_mcp.klaviyo.words import one_line, quoted
from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping

OPEN, CLOSE = "⟦", "⟧"
"""The marks around such words. Inside of them both are written as escapes, so that no words can end where they like."""
SAID = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
THEIRS, OURS = "\ue000", "\ue001"
"""What stands before a packed text: before one of users, and before any other that begins with one of the two."""
WRITTEN_BY_USERS: dict[str, tuple[str, ...]] = {
    "profile": ("first_name", "last_name", "organization", "title", "image", "locale", "location", "properties"),
    "event": ("event_properties",),
    "review": ("title", "content", "author", "images", "smart_quote"),
    "push-token": ("metadata",),
    "conversation": ("subject", "messages"),
    "conversation-message": ("body", "content", "text", "media_url"),
    "object-record": ("record_properties",),
    "metric-property": ("label", "property", "sample_values"),
    "import-error": ("detail", "original_payload"),
}
"""The attributes, by type of resource, whose words come from outside; inside an object or a list, all of it.

Addresses of e-mail, phone numbers and ids have forms of their own that hold no sentence, and are left as they are.
"""
OUR_KEYS = "$"
"""How keys of properties begin that are Klaviyo's, such as `$value`; others may be anybody's."""


class UserText(str):
    """A text that a customer or visitor wrote, or that was made of one."""

    __slots__ = ()

    def __getitem__(self, key: SupportsIndex | slice) -> "UserText":
        return UserText(super().__getitem__(key))

    def __add__(self, other: str) -> "UserText":
        return UserText(super().__add__(other))

    def __radd__(self, other: str) -> "UserText":
        return UserText(other + str(self))


def with_user_text(kind: object, attributes: JSON) -> JSON:
    """The attributes of a resource of that type, those that users wrote as `UserText`, with their keys."""
    names = WRITTEN_BY_USERS.get(str(kind), ())
    return (
        {key: written(value) if key in names else value for key, value in attributes.items()} if names else attributes
    )


def written(value: Any) -> Any:
    """A value, all of whose texts users wrote."""
    if isinstance(value, str):
        return UserText(value)
    if is_object(value):
        return {_key(key): written(inner) for key, inner in value.items()}
    return [written(item) for item in value] if is_list(value) else value


def is_written_by_users(value: Any) -> bool:
    """Whether any text or key in a value is one that users wrote, or holds one that was marked."""
    if isinstance(value, str):
        return isinstance(value, UserText) or OPEN in value
    if is_list(value):
        return any(is_written_by_users(item) for item in value)
    return any(is_written_by_users(key) or is_written_by_users(inner) for key, inner in mapping(value).items())


def joined(parts: list[Any], between: str = ", ") -> str:
    """One text of several, which users wrote where they wrote any of them."""
    text = between.join(str(part) for part in parts)
    return UserText(text) if any(isinstance(part, UserText) for part in parts) else text


def line_of(parts: Iterable[str], between: str = ", ") -> str:
    """One text of several: that of users where they wrote all of it, else one of ours with their words marked in it."""
    texts = list(parts)
    if texts and all(isinstance(part, UserText) for part in texts):
        return UserText(between.join(texts))
    return between.join(said(part) for part in texts)


def piece(text: str, start: int, end: int) -> str:
    """Part of a text, by its characters. Words that were marked in it still are, also where the part begins or ends."""
    found = text[start:end]
    if isinstance(text, UserText) or OPEN not in text:
        return found
    found = OPEN + found if text.rfind(OPEN, 0, start) > text.rfind(CLOSE, 0, start) else found
    return found + CLOSE if found.rfind(OPEN) > found.rfind(CLOSE) else found


def packed(value: Any) -> Any:
    """A JSON value whose texts tell, also once it was written as JSON and read again, which of them users wrote."""
    if isinstance(value, str):
        if isinstance(value, UserText):
            return f"{THEIRS}{value}"
        return f"{OURS}{value}" if value.startswith((THEIRS, OURS)) else value
    if is_list(value):
        return [packed(item) for item in value]
    if is_object(value):
        return {packed(key): packed(inner) for key, inner in value.items()}
    return value


def unpacked(value: Any) -> Any:
    """The value that was packed."""
    if isinstance(value, str):
        if value.startswith(THEIRS):
            return UserText(value[1:])
        return value[1:] if value.startswith(OURS) else value
    if is_list(value):
        return [unpacked(item) for item in value]
    if is_object(value):
        return {unpacked(key): unpacked(inner) for key, inner in value.items()}
    return value


def said(text: str, made: Callable[[str], str] = str) -> str:
    """Words as they stand in a text of ours: marked, where users wrote them. `made` is what else is done to them."""
    if not isinstance(text, UserText):
        return made(text)
    plain = str(text).replace(OPEN, "\\u27e6").replace(CLOSE, "\\u27e7")
    return f"{OPEN}{made(plain)}{CLOSE}"


def repeated(value: object) -> str:
    """Someone's words as one line inside a sentence of ours: in double quotes, those of customers between marks."""
    return said(value, one_line) if isinstance(value, UserText) else quoted(str(value))


def without_said(text: str, instead: str = "(left out)") -> str:
    """A text of ours without the marked words in it."""
    return SAID.sub(instead, text)


@lru_cache(maxsize=4_096, typed=True)
def _key(key: str) -> str:
    """A key as it is to be, one text for all of the same letters: a page has each of its names a thousand times."""
    return key if key.startswith(OUR_KEYS) else UserText(key)
