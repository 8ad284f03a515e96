"""The language of email templates: `{{ person.name|default:'you' }}`, `{% if %}`, `{% for %}`, as in Django."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from klaviyo_sandbox.loose_json import is_list, items, step_into

_TOKEN = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
_FILTER = re.compile(r"\|\s*(\w+)\s*(?::\s*('[^']*'|\"[^\"]*\"|[\w.$-]+))?\s*")
_ARGUMENT = re.compile(r"\s*('[^']*'|\"[^\"]*\"|[^\s|]+)\s*")
# Links that Klaviyo puts in when it sends; a rendering has nobody to make them for.
_LINKS = {
    "unsubscribe": "Unsubscribe",
    "unsubscribe_link": None,
    "manage_preferences": "Manage preferences",
    "manage_preferences_link": None,
    "web_view": "View in browser",
    "web_view_link": None,
}
_FILTERS: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "capfirst": lambda text: text[:1].upper() + text[1:],
    "striptags": lambda text: re.sub(r"<[^>]*>", "", text),
    "escape": str,
    "safe": str,
}


class MarkupError(ValueError):
    """A template does not follow the language. Its text says where."""


@dataclass(slots=True)
class _Branch:
    """One part of an `if` or `for`: what it depends on, and the pieces inside."""

    head: str
    pieces: list["str | _Tag | _Block"] = field(default_factory=list["str | _Tag | _Block"])


@dataclass(frozen=True, slots=True)
class _Tag:
    """`{{ … }}` or a `{% … %}` without an end."""

    text: str
    output: bool


@dataclass(frozen=True, slots=True)
class _Block:
    """`{% if %}…{% elif %}…{% else %}…{% endif %}` or `{% for %}…{% endfor %}`."""

    kind: str
    branches: list[_Branch]


def render(source: str, context: Mapping[str, Any], today: date, *, escape: bool) -> str:
    """The text that `source` makes of `context`. What has no value is nothing. Raises MarkupError."""
    return _Renderer(today, escape).pieces(_parse(source), context)


def _parse(source: str) -> list[str | _Tag | _Block]:
    root = _Branch("")
    open_blocks: list[_Block] = []
    branch = root
    for token in _TOKEN.split(source):
        if token.startswith("{#"):
            continue
        if token.startswith("{{"):
            branch.pieces.append(_Tag(token[2:-2].strip(), output=True))
            continue
        if not token.startswith("{%"):
            branch.pieces.append(token)
            continue
        text = token[2:-2].strip()
        word = text.split(None, 1)[0] if text else ""
        if word in ("if", "for"):
            block = _Block(word, [_Branch(text)])
            branch.pieces.append(block)
            open_blocks.append(block)
        elif word in ("elif", "else", "empty") and open_blocks:
            open_blocks[-1].branches.append(_Branch(text))
        elif word in ("endif", "endfor") and open_blocks and word == f"end{open_blocks[-1].kind}":
            open_blocks.pop()
        elif word in _LINKS or word in ("current_year", "current_day", "current_month_name"):
            branch.pieces.append(_Tag(text, output=False))
        else:
            raise MarkupError(f"Invalid template tag: '{text}'.")
        branch = open_blocks[-1].branches[-1] if open_blocks else root
    if open_blocks:
        raise MarkupError(f"'{open_blocks[-1].kind}' is not closed.")
    return root.pieces


@dataclass(frozen=True, slots=True)
class _Renderer:
    today: date
    escape: bool

    def pieces(self, pieces: Sequence[str | _Tag | _Block], context: Mapping[str, Any]) -> str:
        return "".join(self.piece(piece, context) for piece in pieces)

    def piece(self, piece: str | _Tag | _Block, context: Mapping[str, Any]) -> str:
        if isinstance(piece, str):
            return piece
        if isinstance(piece, _Tag):
            return self.output(piece.text, context) if piece.output else self.tag(piece.text)
        if piece.kind == "for":
            return self.loop(piece, context)
        for branch in piece.branches:
            if branch.head == "else" or _holds(branch.head.split(None, 1)[1:], context):
                return self.pieces(branch.pieces, context)
        return ""

    def loop(self, block: _Block, context: Mapping[str, Any]) -> str:
        found = re.fullmatch(r"for\s+(\w+)\s+in\s+(\S+)", block.branches[0].head)
        if found is None:
            raise MarkupError(f"Invalid loop: '{block.branches[0].head}'.")
        values = items(_lookup(found[2], context))
        if not values and len(block.branches) > 1:
            return self.pieces(block.branches[1].pieces, context)
        return "".join(self.pieces(block.branches[0].pieces, {**context, found[1]: item}) for item in values)

    def output(self, text: str, context: Mapping[str, Any]) -> str:
        found = _ARGUMENT.match(text)
        if found is None:
            raise MarkupError("Empty variable tag.")
        value, at, safe = _lookup(found[1], context), found.end(), not self.escape
        while at < len(text):
            used = _FILTER.match(text, at)
            if used is None:
                raise MarkupError(f"Could not parse '{text}'.")
            name, argument, at = used[1], used[2], used.end()
            if name == "default":
                value = value or (_lookup(argument, context) if argument else "")
            elif name in _FILTERS:
                value, safe = _FILTERS[name](_shown(value)), safe or name == "safe"
            else:
                raise MarkupError(f"Invalid filter: '{name}'.")
        shown = _shown(value)
        return shown if safe else html.escape(shown)

    def tag(self, text: str) -> str:
        word, _, argument = text.partition(" ")
        if word in _LINKS:
            label = argument.strip().strip("'\"") or _LINKS[word]
            return f'<a href="#{word}">{label}</a>' if _LINKS[word] and self.escape else f"#{word}"
        return {
            "current_year": str(self.today.year),
            "current_day": str(self.today.day),
            "current_month_name": self.today.strftime("%B"),
        }[word]


def _holds(condition: Sequence[str], context: Mapping[str, Any]) -> bool:
    """Whether a condition holds: a value, `not` a value, or two values compared, joined by `and` or `or`."""
    text = " ".join(condition).strip()
    if not text:
        raise MarkupError("A condition is missing.")
    for word, joined in ((" or ", any), (" and ", all)):
        if word in text:
            return joined(_holds([part], context) for part in text.split(word))
    if text.startswith("not "):
        return not _holds([text[4:]], context)
    found = re.fullmatch(r"(\S+)\s*(==|!=)\s*(.+)", text)
    if found is None:
        return bool(_lookup(text, context))
    same = _lookup(found[1], context) == _lookup(found[3].strip(), context)
    return same == (found[2] == "==")


def _lookup(name: str, context: Mapping[str, Any]) -> Any:
    """A literal, or what is found by following a dotted name. None for what is not there."""
    if name[:1] in "'\"":
        return name[1:-1]
    if re.fullmatch(r"-?\d+(\.\d+)?", name):
        return float(name) if "." in name else int(name)
    value: Any = context
    for step in name.split("."):
        value = step_into(value, int(step) if is_list(value) and step.isdigit() else step)
    return value


def _shown(value: object) -> str:
    return "" if value is None or value is False else str(value)
