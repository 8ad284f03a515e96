"""Finding actions by words: SQLite's full-text search over what a spec says of itself. Nothing to ship or to keep."""

import re
import sqlite3
from collections.abc import Iterable

from klaviyo_mcp.registry.model import ActionSpec

WEIGHTS = {
    "name": 8.0,
    "title": 6.0,
    "replaces": 6.0,
    "summary": 4.0,
    "keywords": 4.0,
    "arguments": 1.0,
    "description": 1.0,
}
"""How much a word counts by where it stands."""


class Finder:
    """An index of actions in memory, built in a few milliseconds."""

    def __init__(self, specs: Iterable[ActionSpec]) -> None:
        """Reads the specs once."""
        self._specs = {spec.name: spec for spec in specs}
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        columns = ", ".join(WEIGHTS)
        self._database.execute(f"CREATE VIRTUAL TABLE actions USING fts5({columns}, tokenize='porter unicode61')")
        rows = [_row(spec) for spec in self._specs.values()]
        self._database.executemany("INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def find(self, words: str, most: int = 10) -> list[ActionSpec]:
        """The actions that fit best, best first; those that hold all words come before those that hold some.

        A retired endpoint such as `POST /api/identify` finds what replaces it.
        """
        asked = " ".join(words.split()).casefold()
        exact = [spec for spec in self._specs.values() if asked in map(str.casefold, [*spec.replaces, *spec.names])]
        terms = [f'"{term}"' for term in re.findall(r"[^\W_]+", words)]
        found = [*exact]
        for joint in (" AND ", " OR "):
            if terms:
                matches = self._match(joint.join(terms), 3 * most)
                # Sorting is stable: among names that are equally like the words, the order of relevance stays.
                found += sorted(matches, key=lambda spec: round(-_likeness(words, spec.name), 1))
        return list({spec.name: spec for spec in found}.values())[:most]

    def _match(self, query: str, most: int) -> list[ActionSpec]:
        weights = ", ".join(str(weight) for weight in WEIGHTS.values())
        # The weights are constants of this module.
        sql = f"SELECT name FROM actions WHERE actions MATCH ? ORDER BY bm25(actions, {weights}), name LIMIT ?"  # noqa: S608
        return [self._specs[name.split()[0]] for (name,) in self._database.execute(sql, (query, most))]


def _likeness(words: str, name: str) -> float:
    """How much of an action's name the words are, from 0 to 1: what is asked for goes before its finer divisions."""
    asked, own = _stems(words), _stems(name)
    return len(asked & own) / len(asked | own) if asked else 0.0


def _stems(text: str) -> set[str]:
    return {word.removesuffix("s") for word in re.findall(r"[^\W_]+", text.casefold())}


def _row(spec: ActionSpec) -> tuple[str, ...]:
    names = " ".join([spec.name, *(name.replace("_", " ") for name in spec.names)])
    keywords = ", ".join(spec.keywords)
    arguments = " ".join(name.replace("_", " ") for name in spec.properties)
    return (names, spec.title, ", ".join(spec.replaces), spec.summary, keywords, arguments, spec.description)
