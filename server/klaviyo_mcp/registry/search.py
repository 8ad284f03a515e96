"""Finding actions by a name that is meant, by an endpoint, or by words: the latter in `relevance`.

Names are looked for in SQLite's full text of what specs say of themselves. Nothing to ship.
"""

import re
import sqlite3
import weakref
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from klaviyo_mcp.registry.model import ActionSpec, HttpRequest

if TYPE_CHECKING:
    from klaviyo_mcp.registry.relevance import Relevance

WEIGHTS = {
    "name": 8.0,
    "title": 6.0,
    "replaces": 6.0,
    "summary": 4.0,
    "keywords": 4.0,
    "arguments": 1.0,
    "description": 1.0,
}
"""How much a word of a name counts by where it stands."""
ENDPOINT = re.compile(r"(?:(?P<method>get|post|patch|put|delete)\s+)?/?(?P<path>(?:api|client|v[12])/[\w{}:$/.-]+)")
"""An endpoint in a question, such as `POST /api/lists`."""

PARAMETER = re.compile(r"[{:$].*|(.*_)?id|(?!v\d$)\w*\d\w*|")


class Finder:
    """An index of actions in memory, built at first use in some milliseconds."""

    def __init__(self, specs: Iterable[ActionSpec]) -> None:
        """Cheap."""
        self._specs = {spec.name: spec for spec in specs}

    @cached_property
    def relevance(self) -> "Relevance":
        """What is asked for in plain words is looked for here."""
        from klaviyo_mcp.registry.relevance import Relevance  # a list of tools does without

        return Relevance(list(self._specs.values()))

    @cached_property
    def _database(self) -> sqlite3.Connection:
        database = sqlite3.connect(":memory:", check_same_thread=False)
        # Nobody closes an index; from Python 3.13 on, a connection that is collected open is warned of.
        weakref.finalize(self, database.close)
        database.execute(f"CREATE VIRTUAL TABLE actions USING fts5({', '.join(WEIGHTS)}, tokenize='porter unicode61')")
        rows = [_row(spec) for spec in self._specs.values()]
        database.executemany("INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        return database

    def find(self, words: str, most: int = 10) -> list[ActionSpec]:
        """The actions that are spoken of, best first; those that hold all words come before those that hold some."""
        terms = [f'"{term}"' for term in re.findall(r"[^\W_]+", words)]
        found = [*self.named(words)]
        for joint in (" AND ", " OR ") if terms else ():
            matches = self._match(joint.join(terms), 3 * most)
            # Sorting is stable: among names that are equally like the words, the order of relevance stays.
            found += sorted(matches, key=lambda spec: round(-_likeness(words, spec.name), 1))
        return list({spec.name: spec for spec in found}.values())[:most]

    def _match(self, query: str, most: int) -> list[ActionSpec]:
        weights = ", ".join(str(weight) for weight in WEIGHTS.values())
        # The weights are constants of this module.
        sql = f"SELECT name FROM actions WHERE actions MATCH ? ORDER BY bm25(actions, {weights}), name LIMIT ?"  # noqa: S608
        return [self._specs[name.split()[0]] for (name,) in self._database.execute(sql, (query, most))]

    def named(self, words: str) -> list[ActionSpec]:
        """The actions whose name, or an endpoint that they replace, the words are."""
        asked = " ".join(words.split()).casefold()
        exact = self._named.get(asked)
        if exact or (found := ENDPOINT.search(asked)) is None:
            return exact or []
        path = _pathless(found["path"])
        return self._endpoints.get((found["method"], path)) or self._endpoints.get((found["method"], _bare(path)), [])

    @cached_property
    def _named(self) -> dict[str, list[ActionSpec]]:
        known: dict[str, list[ActionSpec]] = defaultdict(list)
        for spec in self._specs.values():
            for name in dict.fromkeys(map(str.casefold, [*spec.replaces, *spec.names])):
                known[name].append(spec)
        return dict(known)

    @cached_property
    def _endpoints(self) -> dict[tuple[str | None, str], list[ActionSpec]]:
        """Actions by method and path, and by path alone; also by the endpoints that they replace."""
        known: dict[tuple[str | None, str], list[ActionSpec]] = defaultdict(list)
        for spec in self._specs.values():
            own = [(spec.request.method, spec.request.path)] if isinstance(spec.request, HttpRequest) else []
            old = [(method, path) for method, _, path in (told.partition(" ") for told in spec.replaces) if path]
            for method, path in [*own, *old]:
                whole = _pathless(path)
                short = whole.removeprefix("api/")
                told = {whole, short, _bare(short) if short.startswith("v") else short}
                for one in told:
                    for key in ((method.casefold(), one), (None, one)):
                        if spec not in known[key]:
                            known[key].append(spec)
        return dict(known)


def _likeness(words: str, name: str) -> float:
    """How much of an action's name the words are, from 0 to 1: what is asked for goes before its finer divisions."""
    asked, own = _stems(words), _stems(name)
    return len(asked & own) / len(asked | own) if asked else 0.0


def _stems(text: str) -> set[str]:
    return {word.removesuffix("s") for word in re.findall(r"[^\W_]+", text.casefold())}


def _pathless(path: str) -> str:
    """A path without its parameters, be they names or ids, and what stands around it."""
    return "/".join("*" if PARAMETER.fullmatch(part) else part for part in path.casefold().strip("/").split("/"))


def _bare(path: str) -> str:
    """A path as it is told from memory: without api, and without its parameters."""
    return path.removeprefix("api/").replace("/*", "")


def _row(spec: ActionSpec) -> tuple[str, ...]:
    names = " ".join([spec.name, *(name.replace("_", " ") for name in spec.names)])
    keywords = ", ".join(spec.keywords)
    arguments = " ".join(name.replace("_", " ") for name in spec.properties)
    return (names, spec.title, ", ".join(spec.replaces), spec.summary, keywords, arguments, spec.description)
