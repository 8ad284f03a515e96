"""Changes to JSON, with or without comments, that leave every other character as it was."""

import json
import re
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.installing.errors import Unreadable
from klaviyo_mcp.loose_json import mapping

TEXT_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
TEXT_OR_TRAILING_COMMA = re.compile(r'"(?:\\.|[^"\\\n])*"|,(?=\s*[}\]])')
BLANK = re.compile(r"\s*")
REST_OF_LINE = re.compile(r"[^\S\n]*(\n|$)")
DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class _Member:
    key: str
    begins: int
    value: int
    ends: int


@dataclass(frozen=True, slots=True)
class _Object:
    """An object in a text: where its braces stand, and its members. Of a key that is there twice the last counts."""

    opens: int
    closes: int
    members: list[_Member]

    def member(self, key: str) -> _Member | None:
        return next((member for member in reversed(self.members) if member.key == key), None)


class JSONText:
    """A JSON object as text. `comments` allows comments and trailing commas, as JSONC has them.

    Raises Unreadable, with the line, where the text is no JSON object.
    """

    def __init__(self, text: str, *, comments: bool) -> None:
        self.text = text if text.strip() else "{}\n"
        self._comments = comments
        self._read()

    def get(self, *place: str) -> Any:
        """What stands at a place; None where nothing does."""
        found: Any = self.value
        for key in place:
            found = mapping(found).get(key)
        return found

    def set(self, place: tuple[str, ...], value: Any) -> None:
        """Write a value at a place, with the objects that lead to it. Raises Unreadable where one is no object."""
        if (stands := self.get(*place)) is not None and stands == value:
            return
        here, at = self._object(0), 0
        while (member := here.member(place[at])) is not None and at < len(place) - 1:
            if self._plain.startswith("null", member.value):
                break
            if self._plain[member.value] != "{":
                line = self.text.count("\n", 0, member.begins) + 1
                raise Unreadable(f"{'.'.join(place[: at + 1])} is no object", line)
            here, at = self._object(member.value), at + 1
        for key in reversed(place[at + 1 :]):
            value = {key: value}
        if member is not None:
            self._replace(member.value, member.ends, self._written(value, at + 1))
        else:
            self._insert(here, f"{json.dumps(place[at])}: {self._written(value, at + 1)}", at)

    def remove(self, place: tuple[str, ...]) -> None:
        """Take a member out, with its comma. Nothing happens where there is none."""
        here = self._object(0)
        for key in place[:-1]:
            member = here.member(key)
            if member is None or self._plain[member.value] != "{":
                return
            here = self._object(member.value)
        member = here.member(place[-1])
        if member is None:
            return
        begins, ends = len(self.text[: member.begins].rstrip()), member.ends
        comma = re.compile(r"\s*,").match(self._commas, ends)
        ends = comma.end() if comma else ends
        if "\n" in self.text[begins : member.begins] and not REST_OF_LINE.match(self.text, ends):
            begins = member.begins  # what follows on the line must not get behind a comment of the line before
        lead = self.text[:begins]
        if comma is None and (at := here.members.index(member)):
            before = self._commas.index(",", here.members[at - 1].ends)
            lead = lead[:before] + lead[before + 1 :]
        self._replace(0, ends, lead)

    def _read(self) -> None:
        """Comments and trailing commas become blanks, so that what is left is JSON with everything where it was."""
        commas = self.text
        if self._comments:
            commas = TEXT_OR_COMMENT.sub(lambda found: _blank(found[0]) if found[0][0] == "/" else found[0], commas)
        self._commas = commas
        if self._comments:
            commas = TEXT_OR_TRAILING_COMMA.sub(lambda found: " " if found[0] == "," else found[0], commas)
        self._plain = commas
        try:
            self.value = json.loads(commas)
        except json.JSONDecodeError as error:
            raise Unreadable(f"{error.msg}, column {error.colno}", error.lineno) from None
        except RecursionError:
            raise Unreadable("it is nested too deep", 1) from None
        if not isinstance(self.value, dict):
            raise Unreadable("it holds something other than an object", 1)

    def _object(self, at: int) -> _Object:
        members: list[_Member] = []
        opens = at = self._past(at)
        at = self._past(at + 1)
        while self._plain[at] == '"':
            key, ends = DECODER.raw_decode(self._plain, at)
            value = self._past(self._past(ends) + 1)
            _, ends = DECODER.raw_decode(self._plain, value)
            members.append(_Member(key, at, value, ends))
            at = self._past(ends)
            if self._plain[at] == ",":
                at = self._past(at + 1)
        return _Object(opens, at, members)

    def _past(self, at: int) -> int:
        found = BLANK.match(self._plain, at)
        return found.end() if found else at

    def _insert(self, here: _Object, member: str, depth: int) -> None:
        last = here.members[-1].ends if here.members else here.opens + 1
        comma = "," if here.members and "," not in self._commas[last : here.closes] else ""
        tail = max(last, len(self.text[: here.closes].rstrip()))
        between = self.text[tail : here.closes]
        closing = between[between.rindex("\n") :] if "\n" in between else f"\n{self._unit() * depth}"
        written = f"{comma}{self.text[last:tail]}\n{self._unit() * (depth + 1)}{member}{closing}"
        self._replace(last, here.closes, written)

    def _written(self, value: Any, depth: int) -> str:
        return json.dumps(value, ensure_ascii=False, indent=self._unit()).replace("\n", f"\n{self._unit() * depth}")

    def _unit(self) -> str:
        found = re.match(r'\s*\{\s*\n([ \t]+)"', self._plain)
        return found[1] if found else "  "

    def _replace(self, begins: int, ends: int, written: str) -> None:
        self.text = self.text[:begins] + written + self.text[ends:]
        self._read()


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
