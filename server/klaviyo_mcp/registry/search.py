"""Finding actions by words: SQLite's full-text search over what specs say of themselves. Nothing to ship.

Two indexes are asked: one of what each action is (its name, title, summary, keywords, arguments, description), one
with a row for each way in which people ask for it. Words that no spec has are taken for slips of the nearest one that
some have.
"""

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from klaviyo_mcp.registry.model import ActionSpec, HttpRequest

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
STOP = frozenset(
    re.findall(
        r"\w+",
        "a about all an and any api are as at be been by can could data did do does done for from get gets give "
        "got had has have he hello her here hey hi his how i if in into is it its just klaviyo let lets like me "
        "my need now of on one ones or our out please she should show so some still tell than thanks that the "
        "their them then there these they this those to up us using via want was we were what whats when which "
        "will with would you ",
    )
)
"""Words that say nothing of what is wanted. Of a question that has no others they count after all."""
ENDPOINT = re.compile(r"(?:(?P<method>get|post|patch|put|delete)\s+)?/?(?P<path>(?:api|client)/[\w{}:$/.-]+)")
"""An endpoint in a question, such as `POST /api/lists`."""
LONGEST_QUESTION = 400
MOST_WORDS = 40


@dataclass(frozen=True, slots=True)
class Hit:
    """An action and how well it fits, the more the better: by what it is, and by how people ask for it."""

    spec: ActionSpec
    by_spec: float
    by_ask: float
    alike: float


class Finder:
    """An index of actions in memory, built in some milliseconds."""

    def __init__(self, specs: Iterable[ActionSpec]) -> None:
        """Reads the specs once."""
        self._specs = {spec.name: spec for spec in specs}
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        columns = ", ".join(WEIGHTS)
        run = self._database.execute
        run(f"CREATE VIRTUAL TABLE actions USING fts5({columns}, tokenize='porter unicode61')")
        run("CREATE VIRTUAL TABLE asks USING fts5(action UNINDEXED, ask, tokenize='porter unicode61')")
        run("CREATE VIRTUAL TABLE words USING fts5(word, tokenize='unicode61')")
        run("CREATE VIRTUAL TABLE vocabulary USING fts5vocab('words', 'row')")
        rows = [_row(spec) for spec in self._specs.values()]
        self._database.executemany("INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        asks = [(spec.name, ask) for spec in self._specs.values() for ask in spec.asks]
        self._database.executemany("INSERT INTO asks VALUES (?, ?)", asks)
        self._database.executemany("INSERT INTO words VALUES (?)", [(" ".join(row[:-1]),) for row in rows])
        self._database.executemany("INSERT INTO words VALUES (?)", [(ask,) for _, ask in asks])

    def find(self, words: str, most: int = 10) -> list[ActionSpec]:
        """The actions that are spoken of, best first; those that hold all words come before those that hold some."""
        terms = [f'"{term}"' for term in re.findall(r"[^\W_]+", words)]
        found = self.named(words)
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
        exact = [spec for spec in self._specs.values() if asked in map(str.casefold, [*spec.replaces, *spec.names])]
        if exact or (found := ENDPOINT.search(asked)) is None:
            return exact
        method, path = found["method"], _pathless(found["path"])
        return [spec for spec in self._specs.values() if path in _paths(spec, method)]

    def hits(self, words: str) -> list[Hit]:
        """Every action that has one of the words, with how well it fits; 1 is the best of all by its measure."""
        terms = self.terms(words)
        if not terms:
            return []
        query = " OR ".join(f'"{term}"' for term in terms)
        weights = ", ".join(str(weight) for weight in WEIGHTS.values())
        # The weights are constants of this module.
        sql = f"SELECT name, bm25(actions, {weights}) FROM actions WHERE actions MATCH ?"  # noqa: S608
        by_spec = {name.split()[0]: -rank for name, rank in self._database.execute(sql, (query,))}
        by_ask: dict[str, float] = {}
        alike: dict[str, float] = {}
        said = frozenset(map(_root, terms))
        # The sixty that are most alike by their rarest words; how much of them and of the question is the same decides.
        sql = "SELECT action, ask, rank FROM asks WHERE asks MATCH ? ORDER BY rank LIMIT 80"
        for name, ask, rank in self._database.execute(sql, (query,)):
            by_ask[name] = max(by_ask.get(name, 0.0), -rank)
            own = _roots(ask)
            alike[name] = max(alike.get(name, 0.0), 2 * len(own & said) / (len(own) + len(said)))
        best_spec, best_ask = max(by_spec.values(), default=1.0), max(by_ask.values(), default=1.0)
        return [
            Hit(
                self._specs[name],
                by_spec.get(name, 0.0) / best_spec,
                by_ask.get(name, 0.0) / best_ask,
                alike.get(name, 0.0),
            )
            for name in by_spec.keys() | by_ask.keys()
        ]

    def terms(self, words: str) -> list[str]:
        """What is looked for: the words that say something, slips of spelling mended."""
        said = re.findall(r"[^\W_]+", words[:LONGEST_QUESTION].casefold())[:MOST_WORDS]
        telling = [word for word in said if word not in STOP] or said
        return list(dict.fromkeys(self._mended(word) for word in telling))

    def _mended(self, word: str) -> str:
        """A word, or the one it is a slip of: one letter more, less or other, or two letters changed about."""
        if len(word) < 4 or word in self._vocabulary or word.isdecimal():
            return word
        near = {known for form in _slips(word) for known in self._by_slip.get(form, ())}
        return max(near, key=lambda known: (self._vocabulary[known], known), default=word)

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        """Every word of the specs, and in how many places it stands."""
        return dict(self._database.execute("SELECT term, doc FROM vocabulary"))

    @cached_property
    def _by_slip(self) -> dict[str, list[str]]:
        """Words by each form of them that lacks a letter or none."""
        found: dict[str, list[str]] = {}
        for word in self._vocabulary:
            if len(word) > 3:
                for form in _slips(word):
                    found.setdefault(form, []).append(word)
        return found


def _likeness(words: str, name: str) -> float:
    """How much of an action's name the words are, from 0 to 1: what is asked for goes before its finer divisions."""
    asked, own = _stems(words), _stems(name)
    return len(asked & own) / len(asked | own) if asked else 0.0


def _stems(text: str) -> set[str]:
    return {word.removesuffix("s") for word in re.findall(r"[^\W_]+", text.casefold())}


def _paths(spec: ActionSpec, method: str | None) -> set[str]:
    """The path of an action that is one operation, if its method is that one or none is asked for."""
    request = spec.request
    if not isinstance(request, HttpRequest) or method not in (None, request.method.lower()):
        return set()
    return {_pathless(request.path)}


def _pathless(path: str) -> str:
    """A path without the names of its parameters and what stands around it."""
    parts = path.casefold().strip("/").split("/")
    return "/".join("*" if part[:1] in "{:$" else part for part in parts)


@lru_cache(maxsize=8192)
def _roots(ask: str) -> frozenset[str]:
    words = re.findall(r"[^\W_]+", ask.casefold())
    return frozenset(_root(word) for word in words if word not in STOP)


def _root(word: str) -> str:
    """A word without its commonest endings."""
    for end in ("ings", "ing", "ies", "ed", "es", "s", "e"):
        if word.endswith(end) and len(word) - len(end) >= 3 and not word.endswith("ss"):
            return word[: -len(end)]
    return word


def _slips(word: str) -> set[str]:
    """A word, and what it is without any one of its letters."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _row(spec: ActionSpec) -> tuple[str, ...]:
    names = " ".join([spec.name, *(name.replace("_", " ") for name in spec.names)])
    keywords = ", ".join(spec.keywords)
    arguments = " ".join(name.replace("_", " ") for name in spec.properties)
    return (names, spec.title, ", ".join(spec.replaces), spec.summary, keywords, arguments, spec.description)
