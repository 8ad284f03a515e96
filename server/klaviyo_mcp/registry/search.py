"""Finding actions by words: SQLite's full-text search over what specs say of themselves. Nothing to ship or to keep.

Two indexes are asked: one of what each action is (its name, title, summary, keywords, arguments, description), one with a
row for each way in which people ask for it. The better of an action's two places counts most. Words that no spec has are
taken for slips of the nearest one that some have.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

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
STOP = frozenset(
    "a an the to of for in on at with and or all my our their its it this that these those is are was were be been do "
    "does did done i we you she he they them her his me us please can could would should will want need like just so if "
    "as by via into using api klaviyo data some any there here have has had got get gets give show tell let lets now "
    "what which whats up out from about one ones than then still when hi hey hello thanks how".split()
)
"""Words that say nothing of what is wanted. Of a question that has no others they count after all."""
LONGEST_QUESTION = 400
MOST_WORDS = 40


@dataclass(frozen=True, slots=True)
class Hit:
    """An action and how well it fits, the more the better: by what it is, and by how people ask for it."""

    spec: ActionSpec
    by_spec: float
    by_ask: float


class Finder:
    """An index of actions in memory, built in some milliseconds."""

    def __init__(self, specs: Iterable[ActionSpec], synonyms: Mapping[str, Iterable[str]] | None = None) -> None:
        """Reads the specs once. `synonyms` are other words to look for beside one that is asked with."""
        self._specs = {spec.name: spec for spec in specs}
        self._synonyms = {word: tuple(others) for word, others in (synonyms or {}).items()}
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
        """The actions that fit best, best first, by words alone.

        A retired endpoint such as `POST /api/identify` finds what replaces it.
        """
        hits = sorted(self.hits(words), key=lambda hit: -(hit.by_spec + hit.by_ask))
        return list({spec.name: spec for spec in [*self.named(words), *(hit.spec for hit in hits)]}.values())[:most]

    def named(self, words: str) -> list[ActionSpec]:
        """The actions whose name, or an endpoint that they replace, the words are."""
        asked = " ".join(words.split()).casefold()
        return [spec for spec in self._specs.values() if asked in map(str.casefold, [*spec.replaces, *spec.names])]

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
        for name, rank in self._database.execute("SELECT action, bm25(asks) FROM asks WHERE asks MATCH ?", (query,)):
            by_ask[name] = max(by_ask.get(name, 0.0), -rank)
        best_spec, best_ask = max(by_spec.values(), default=1.0), max(by_ask.values(), default=1.0)
        return [
            Hit(self._specs[name], by_spec.get(name, 0.0) / best_spec, by_ask.get(name, 0.0) / best_ask)
            for name in by_spec.keys() | by_ask.keys()
        ]

    def terms(self, words: str) -> list[str]:
        """What is looked for: the words that say something, slips of spelling mended, and other words for them."""
        said = re.findall(r"[^\W_]+", words[:LONGEST_QUESTION].casefold())[:MOST_WORDS]
        telling = [word for word in said if word not in STOP] or said
        mended = [self._mended(word) for word in telling]
        return list(dict.fromkeys([*mended, *(other for word in mended for other in self._synonyms.get(word, ()))]))

    def _mended(self, word: str) -> str:
        """A word, or the one it is a slip of: one letter more, less or other, or two letters changed about."""
        if len(word) < 4 or word in self._vocabulary or word.isdecimal():
            return word
        near = {known for form in _slips(word) for known in self._by_slip.get(form, ())}
        return max(near, key=lambda known: (self._vocabulary[known], known), default=word)

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        """Every word of the specs, and in how many places it stands."""
        known = dict(self._database.execute("SELECT term, doc FROM vocabulary"))
        return (
            known
            | {other: known.get(other, 1) for others in self._synonyms.values() for other in others}
            | {word: known.get(word, 1) for word in self._synonyms}
        )

    @cached_property
    def _by_slip(self) -> dict[str, list[str]]:
        """Words by each form of them that lacks a letter or none."""
        found: dict[str, list[str]] = {}
        for word in self._vocabulary:
            if len(word) > 3:
                for form in _slips(word):
                    found.setdefault(form, []).append(word)
        return found


def _slips(word: str) -> set[str]:
    """A word, and what it is without any one of its letters."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _row(spec: ActionSpec) -> tuple[str, ...]:
    names = " ".join([spec.name, *(name.replace("_", " ") for name in spec.names)])
    keywords = ", ".join(spec.keywords)
    arguments = " ".join(name.replace("_", " ") for name in spec.properties)
    return (names, spec.title, ", ".join(spec.replaces), spec.summary, keywords, arguments, spec.description)
