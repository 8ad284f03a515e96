"""The names of actions as a server lists them and as clients call them, with a prefix of the server's or the client's.

Clients put the name of the server before that of a tool, and some send it so: `mcp__klaviyo__get_lists`. Such a name is
understood when it ends with the whole name of an action, and what stands before can only be a server or a client:

- before `__`, `.`, `:` or `/`, which no action's name has: one name that says `mcp` or `klaviyo`, any name after
  `mcp__`, or the id of a connector;
- before a `_` or `-` alone: CLIENT_WORDS, `mcp` or `klaviyo` among them, or the id of a connector.

So `mcp__shop__delete_get_lists` and `klaviyo_do_not_send_campaign` stay unknown: no word is lost that may mean
something.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.model import Effect

LONGEST_NAME = 64
"""Characters of a tool's name that Claude and OpenAI take."""
LONGEST_CALLED = 300
"""Characters of a name as a client calls it, with all that clients put before it."""
NAMESPACE = re.compile(r"(?:functions|default_api|tools)[.:/]")
"""What models write before the name of a tool, as their API shows it to them."""
CLIENT_WORDS = frozenset({"mcp", "klaviyo", "server", "claude", "ai", "plugin"})
"""Words that clients' prefixes, and the usual names of this server, are made of."""
MARKS = frozenset({"mcp", "klaviyo"})
JOINT = re.compile(r"__|[.:/_-]")
SERVER = re.compile(r"(?P<mcp>mcp__)?(?:(?!__)[A-Za-z0-9 _-]){1,100}")
CONNECTOR = re.compile(r"[0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12}", re.IGNORECASE)
"""A UUID, as claude.ai names connectors."""
MAYBE_NAME = re.compile(r'"[^"]*"|\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b')
"""What may be the name of an action in a text, and what is quoted, which is not ours to change."""

FIND, DESCRIBE, PREVIEW, CONFIRM = "find_actions", "describe_action", "preview_action", "confirm_action"
READ_MORE = "read_more"
RUN_TOOLS: dict[Effect, str] = {
    "read": "run_read_action",
    "write": "run_write_action",
    "destructive": "run_destructive_action",
}
"""The tool that runs actions of an effect, where they are not listed themselves."""
SERVER_TOOLS = (FIND, DESCRIBE, *RUN_TOOLS.values(), READ_MORE, PREVIEW, CONFIRM)
"""Names of a server's own tools, which no action may have; a prefix stands before them as well."""

Known = TypeVar("Known")


class PrefixError(ValueError):
    """A prefix that makes names which clients refuse, or the name of another action; the message says which."""


class ToolNames(Generic[Known]):
    """The names of one server's tools. `prefix` stands before each in the list; calls may have it or not."""

    def __init__(self, by_name: Mapping[str, Known], own: Iterable[str], prefix: str = "") -> None:
        """`by_name` has names and aliases, `own` the names that are listed. Raises PrefixError."""
        self.prefix = prefix
        self._by_name = by_name
        self._own = frozenset(own)
        if prefix:
            self._check()

    def listed(self, name: str) -> str:
        """An action's name as it is in the list of tools."""
        return f"{self.prefix}{name}"

    def find(self, called: str) -> Known | None:
        """What a name means as it was called; None where nothing bears it, or something else may be meant."""
        if (found := self._known(called)) is not None:
            return found
        if len(called) > LONGEST_CALLED:
            return None
        called = NAMESPACE.sub("", called, count=1) if NAMESPACE.match(called) else called
        if (found := self._known(called)) is not None:
            return found
        for joint in JOINT.finditer(called):  # from the left, so that the longest name is found first
            if (found := self._known(called[joint.end() :])) is not None:
                before = called[: joint.start()]
                plausible = _is_client(before) if joint[0] in "_-" else _is_server(before)
                return found if plausible else None
        return None

    def told(self, text: str) -> str:
        """A text of ours for an agent, with the names of tools as they are listed. What stands in quotes is left."""
        if not self.prefix:
            return text
        return MAYBE_NAME.sub(lambda word: self.listed(word[0]) if word[0] in self._own else word[0], text)

    def told_inside(self, value: Any, besides: frozenset[str] = frozenset()) -> Any:
        """A JSON value of ours with every text in it told, but for what is under the keys `besides`."""
        if is_object(value):
            return {key: inner if key in besides else self.told_inside(inner, besides) for key, inner in value.items()}
        if is_list(value):
            return [self.told_inside(inner, besides) for inner in value]
        return self.told(value) if isinstance(value, str) else value

    def told_schema(self, schema: JSON) -> JSON:
        """A schema whose descriptions name tools as they are listed."""
        return self._described(schema) if self.prefix else schema

    def _described(self, value: Any, named: bool = False) -> Any:
        """`named` says that the keys are names of properties, and no keywords."""
        if is_list(value):
            return [self._described(inner) for inner in value]
        if not is_object(value):
            return value
        return {
            key: self.told(inner)
            if key == "description" and isinstance(inner, str)
            else self._described(inner, named=key == "properties" and not named)
            for key, inner in value.items()
        }

    def _known(self, name: str) -> Known | None:
        found = self._by_name.get(name)
        return self._by_name.get(name.removeprefix(self.prefix)) if found is None else found

    def _check(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", self.prefix):
            raise PrefixError(f"{self.prefix!r}: clients take letters, digits, _ and - in names of tools, nothing else")
        most = LONGEST_NAME - max(map(len, self._own))
        if len(self.prefix) > most:
            raise PrefixError(
                f"{self.prefix!r} has {len(self.prefix)} characters; names of tools may have {LONGEST_NAME}, "
                f"so a prefix may have {most}"
            )
        for name in sorted(self._own & self._by_name.keys()):
            if self._by_name.get(self.listed(name), self._by_name[name]) is not self._by_name[name]:
                raise PrefixError(f"{self.prefix!r} would list {name} as {self.listed(name)}, which is another action")


def _is_server(text: str) -> bool:
    """Whether what stands before an unmistakable joint is the name of a server."""
    server = SERVER.fullmatch(text)
    return server is not None and bool(server["mcp"] or CONNECTOR.fullmatch(text) or not MARKS.isdisjoint(_words(text)))


def _is_client(text: str) -> bool:
    """Whether what stands before a joint that names have too is made of nothing but clients' words."""
    words = _words(CONNECTOR.sub("mcp", text))
    return CLIENT_WORDS.issuperset(words) and not MARKS.isdisjoint(words)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.casefold()) if word]
