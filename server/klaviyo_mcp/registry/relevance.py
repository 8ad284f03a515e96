"""How well each action fits what is asked for, by its words: BM25 over the fields of specs, and who asks in such words.

`asks` are questions whose answers are known. So the index learns from them, when it is built, which words ask for what
kind of action (to read one, to read many, to make, to remove, …), of what, and for which action.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from klaviyo_mcp.registry.likelihood import Likelihood
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.trade_words import expanded, first_meaning, pairs, stem, telling, trade

FIELDS = {"name": 0.5, "title": 0.7, "summary": 1.3, "keywords": 2.0, "asks": 0.3, "description": 1.3, "replaces": 1.0}
"""How much a word counts by where it stands."""
SATURATION, LENGTH = 1.0, 0.3
"""BM25's k1 and b: how soon a word's repetitions cease to count, and how much a long text makes each count less."""
ALSO, NEXT = 0.6, 0.5
"""How much a word's meaning counts beside the word, and two words that stand side by side."""
LONGEST_QUESTION = 400
MOST_WORDS = 40
LEAST = -8.0
SHORT = 4
"""Words shorter than this are taken as they are, never as slips."""
LONG, RARE = 7, 2
"""A word of so many letters that no more than so many specs have may be a slip."""
SMALL = frozenset(("for", "of", "from", "to", "by", "or", "all"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart: its words with their stems, those that say something, and all that they mean."""

    words: list[tuple[str, str]]
    telling: list[str]
    meant: dict[str, float]


@dataclass(frozen=True, slots=True)
class Fit:
    """How well actions fit a question, each a list in the order of the specs.

    `text` is BM25 as a share of what the question's words could have had; the others are logarithms of likelihoods, 0
    for the likeliest. `known` is the share of the question whose words some spec has.
    """

    text: list[float]
    kind: list[float]
    thing: list[float]
    toolset: list[float]
    action: list[float]
    known: float

    def signs(self) -> Iterable[tuple[float, ...]]:
        """Of each action: text, kind, thing, toolset and action."""
        return zip(self.text, self.kind, self.thing, self.toolset, self.action, strict=True)


class Relevance:
    """An index of specs in memory, built at the first question in some tenths of a second."""

    def __init__(self, specs: Sequence[ActionSpec]) -> None:
        """Reads every spec once."""
        self._specs = specs
        asks = [[pairs(ask) for ask in spec.asks] for spec in specs]
        self.names = [Name.of(spec.name) for spec in specs]
        self.nouns = frozenset(part for name in self.names for part in name.stems)
        self._index([_fields(spec, own) for spec, own in zip(specs, asks, strict=True)])
        self._learn(asks)
        self._vocabulary = dict.fromkeys(trade().meanings, 1) | {
            term: many for term, many in self._holders.items() if " " not in term
        }

    def _index(self, texts: list[dict[str, list[list[str]]]]) -> None:
        vectors = [{field: _terms(rows) for field, rows in text.items()} for text in texts]
        lengths = {field: sum(sum(map(len, text[field])) for text in texts) / len(texts) or 1 for field in FIELDS}
        self._holders = Counter(
            term
            for vector in vectors
            for term in {term for field in FIELDS if field != "description" for term in vector[field]}
        )
        self._rarity = {term: _rarity(len(texts), many) for term, many in self._holders.items()}
        self._unknown = _rarity(len(texts), 0)
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for at, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
            found: dict[str, float] = defaultdict(float)
            for field, weight in FIELDS.items():
                length = 1 - LENGTH + LENGTH * sum(map(len, text[field])) / lengths[field]
                for term, times in vector[field].items():
                    if term in self._rarity:
                        found[term] += weight * times * (1 + SATURATION) / (times + SATURATION * length)
            for term, weight in found.items():
                self._postings[term].append((at, weight * self._rarity[term]))

    def _learn(self, asks: list[list[list[tuple[str, str]]]]) -> None:
        kinds: list[tuple[int, Iterable[str]]] = []
        things: list[tuple[int, Iterable[str]]] = []
        toolsets: list[tuple[int, Iterable[str]]] = []
        actions: list[tuple[int, Iterable[str]]] = []
        self._kind = _numbered(name.kind for name in self.names)
        self._thing = _numbered(name.thing for name in self.names)
        self._toolset = _numbered(spec.toolset for spec in self._specs)
        for at, (spec, own) in enumerate(zip(self._specs, asks, strict=True)):
            title, summary = pairs(spec.title), pairs(spec.summary)
            kinds += [(self._kind[at], _cues(words)) for words in [*own, title]]
            for words in [*own, title, summary]:
                meant = [*expanded(telling(words))]
                things.append((self._thing[at], meant))
                toolsets.append((self._toolset[at], meant))
                actions.append((at, meant))
        self._kinds, self._things = Likelihood(kinds), Likelihood(things)
        self._toolsets, self._actions = Likelihood(toolsets), Likelihood(actions)

    def taken_apart(self, question: str) -> Asked:
        """A question's words, slips of spelling mended."""
        words = [(word, self._mended(word, root)) for word, root in pairs(question[:LONGEST_QUESTION])[:MOST_WORDS]]
        return Asked(words, list(dict.fromkeys(telling(words))), expanded(root for _, root in words))

    def fit(self, asked: Asked) -> Fit:
        """How well every action fits."""
        text = [0.0] * len(self._specs)
        for term, weight in _weighed(asked.telling).items():
            for at, counts in self._postings.get(term, ()):
                text[at] += weight * counts
        masses = {root: self._rarity.get(root, self._unknown) for root in asked.telling}
        mass = sum(masses.values()) or 1.0
        meant = [*expanded(asked.telling)]
        kind, thing = self._kinds.of(_cues(asked.words), LEAST), self._things.of(meant, LEAST)
        toolset = self._toolsets.of(meant, LEAST)
        return Fit(
            [value / mass for value in text],
            [kind[label] for label in self._kind],
            [thing[label] for label in self._thing],
            [toolset[label] for label in self._toolset],
            self._actions.of(meant, 1.5 * LEAST),
            sum(weight for root, weight in masses.items() if root in self._vocabulary) / mass,
        )

    def _mended(self, word: str, root: str) -> str:
        """A stem, or the one it is a slip of: one letter more, less or other, or two letters changed about.

        Asks have slips of their own, so a long word that hardly any spec has is one if most have its like.
        """
        own = self._vocabulary.get(root, 0)
        if len(root) < SHORT or root.startswith("<") or own > (RARE if len(root) >= LONG else 0):
            return root
        # What looks like an ending may be the slip: campaings.
        forms = _slips(root) | _slips(word.removesuffix("s"))
        near = {known for form in forms for known in self._by_slip.get(form, ())} - {root}
        alike = [known for known in near if known[0] == root[0] or len(root) > SHORT + 1]
        best = max(alike, key=lambda known: (known[0] == root[0], self._vocabulary[known], known), default=root)
        return best if self._vocabulary.get(best, 0) > 5 * own else root

    def holds(self, at: int, root: str) -> bool:
        """Whether the spec at a place has a word with this stem."""
        return any(place == at for place, _ in self._postings.get(root, ()))

    @cached_property
    def _by_slip(self) -> dict[str, list[str]]:
        """Stems by each form of them that lacks a letter or none. Made when a word is unknown first."""
        found: dict[str, list[str]] = defaultdict(list)
        for word in self._vocabulary:
            if len(word) >= SHORT and not word.startswith("<"):
                for form in _slips(word):
                    found[form].append(word)
        return found


@dataclass(frozen=True, slots=True)
class Name:
    """An action's name taken apart: what kind of action it is, of what, and whose (`get_lists_for_profile`)."""

    stems: frozenset[str]
    verbs: frozenset[str]
    thing: frozenset[str]
    whose: frozenset[str]
    flags: frozenset[str]
    kind: str

    @classmethod
    def of(cls, name: str) -> "Name":
        """Of a name in snake_case."""
        parts = name.split("_")
        before, _, after = name.partition("_for_")
        verbs = parts[: 4 if name.startswith("create_or") else 2 if parts[0] == "bulk" else 1]
        thing = {stem(part) for part in before.split("_")[len(verbs) :] if part not in SMALL} - {"id", "job", "bulk"}
        flags = ["ids"] if wants_ids(name) else []
        flags += ["client"] if "client" in parts else []
        flags += ["job"] if parts[-1] in ("job", "jobs") else []
        if parts[0] == "get":
            flags += ["many" if before.endswith("s") else "one", "for" if after else ""]
        if parts[0] == "query":
            flags.append(parts[-1])
        return cls(
            frozenset(stem(part) for part in parts if part not in SMALL),
            frozenset(map(stem, verbs)),
            frozenset(thing),
            frozenset(map(stem, after.split("_") if after else [])),
            frozenset([*flags, *(["bulk"] if parts[0] == "bulk" else [])]),
            " ".join([*(verbs if parts[0] == "bulk" else parts[:1]), *flags]),
        )


def wants_ids(name: str) -> bool:
    """Whether an action answers with ids alone."""
    return "_ids_for_" in name or "_id_for_" in name or (name.startswith("get_") and name.endswith("_relationships"))


def _fields(spec: ActionSpec, asks: list[list[tuple[str, str]]]) -> dict[str, list[list[str]]]:
    return {
        "name": [telling(pairs(name.replace("_", " "))) for name in spec.names],
        "title": [telling(pairs(spec.title))],
        "summary": [telling(pairs(spec.summary))],
        "keywords": [telling(pairs(keyword)) for keyword in spec.keywords],
        "asks": [telling(ask) for ask in asks],
        "description": [telling(pairs(spec.description))],
        "replaces": [telling(pairs(endpoint.replace("_id", ""))) for endpoint in spec.replaces],
    }


def _terms(rows: Iterable[list[str]]) -> dict[str, float]:
    """How often each term is in texts: stems, what they mean, and what stands side by side."""
    found: dict[str, float] = defaultdict(float)
    for roots in rows:
        for term, weight in _weighed(roots).items():
            found[term] += weight
    return found


def _weighed(roots: list[str]) -> dict[str, float]:
    found = {term: weight if weight == 1 else ALSO * weight for term, weight in expanded(roots).items()}
    heads = [first_meaning(root) for root in roots]
    return found | {f"{one} {other}": NEXT for one, other in pairwise(heads)}


def _cues(words: list[tuple[str, str]]) -> set[str]:
    """What tells the kind of action that is asked for: words as they stand, the first of all, and each two."""
    cues = {word if root[0] != "<" else root for word, root in words} | {root for _, root in words}
    cues.update(f"^{word}" for word, _ in words[:1])
    return cues | {f"{one} {other}" for (one, _), (other, _) in pairwise(words)}


def _numbered(labels: Iterable[Hashable]) -> list[int]:
    """For each label its number: equal ones have the same, counted from 0 as they come."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(label, len(numbers)) for label in labels]


def _rarity(many: int, holders: int) -> float:
    return math.log(1 + (many - holders + 0.5) / (holders + 0.5))


def _slips(word: str) -> set[str]:
    """A word, and what it is without any one of its letters."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}
