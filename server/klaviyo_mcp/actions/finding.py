"""Finding the actions that do what is asked for in plain words: how well they fit, and what the question wants.

What each sign counts was learnt from the specs' own `asks`, each looked for without itself, and from the queries of
`bench/queries/tuning.tsv`.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.relevance import Asked, Fit, Name, Relevance
from klaviyo_mcp.registry.trade_words import NUMBER, STOP, first_meaning, meanings, stem, trade, word_set

CANDIDATES = 40
"""Of so many, the best by their words, the names are held against the question."""
FIT = {"text": 1.29, "kind": 0.33, "thing": 0.29, "toolset": 0.25, "action": 0.02}
"""What an action's words count, and how likely it is by them."""
SIGNS = {
    "overlap": 1.63,
    "thing": 0.41,
    "whose": 0.96,
    "order": 0.33,
    "number": 0.35,
    "long": -0.97,
    "missed": -0.43,
    "question": 1.99,
    "reads": 0.24,
    "reads_short": 0.69,
    "wrong_verb": -0.01,
    "unasked_ids": -0.70,
    "asked_ids": 1.87,
    "unasked_client": -1.05,
    "unasked_job": -0.26,
    "bulk": 0.25,
}
"""What it counts how an action's name and the question stand to each other."""
WRITES = word_set(
    "create update delete remove add send cancel clone merge subscribe unsubscribe suppress unsuppress assign tag "
    "upload render refresh import request"
)
"""What the names of actions that do more than read begin with."""
QUESTIONS = word_set(
    "who whose what whats which when where why how howmany howmuch is are does do did was were has have"
)
"""What a question begins with."""
IDS = word_set("ids identifiers relationship relationships")
JOB = word_set("job status finish progress run poll")
SHORT = 3
"""Of so few words, one would be a verb if anything but reading was wanted."""


WEAK, WEAK_UNKNOWN, KNOWN = 0.3, 1.2, 0.5
"""Text that fits less is no answer. More is wanted where less than so much of the question is in words of specs."""


@dataclass(frozen=True, slots=True)
class Found:
    """The actions that fit, best first, and whether one of them probably does what was asked for.

    `kept_back`: one does that was not to be shown, and none that was.
    """

    actions: list[Action]
    likely: bool
    kept_back: bool = False


def look_for(registry: Registry, words: str, most: int, shows: Callable[[Action], bool] = lambda _: True) -> Found:
    """The actions that fit, of those that `shows` allows, with how sure that is; none where no word is one of ours."""
    relevance = registry.finder.relevance
    asked = relevance.taken_apart(words)
    fit = relevance.fit(asked)
    said = Said.of(asked, relevance)
    of_text, of_kind, of_thing, of_toolset, of_action = FIT.values()
    rough = [
        of_text * text + of_kind * kind + of_thing * thing + of_toolset * toolset + of_action * action
        for text, kind, thing, toolset, action in fit.signs()
    ]
    allowed = [at for at, action in enumerate(registry.actions) if fit.text[at] and shows(action)]
    best = heapq.nlargest(CANDIDATES, allowed, key=rough.__getitem__)
    weights = list(SIGNS.values())
    scored = {at: rough[at] + sum(map(float.__mul__, weights, signs(relevance.names[at], said))) for at in best}
    ranked = sorted(scored, key=lambda at: (-scored[at], registry.actions[at].name))
    named = [action for spec in registry.finder.named(words) if shows(action := registry[spec.name])]
    found = {action.name: action for action in [*named, *(registry.actions[at] for at in ranked)]}
    likely = bool(named) or (bool(ranked) and _likely(relevance, asked, fit, ranked[0]))
    best_of_all = max(range(len(rough)), key=rough.__getitem__)
    kept_back = not likely and not shows(registry.actions[best_of_all]) and _likely(relevance, asked, fit, best_of_all)
    return Found(list(found.values())[:most], likely, kept_back)


def _likely(relevance: Relevance, asked: Asked, fit: Fit, best: int) -> bool:
    """Whether an action probably does what is asked for, by how much of the question it and all specs have."""
    # By the words as they were written: one that was mended would be another's.
    beyond = trade().beyond.intersection(stem(word) for word, _ in asked.words if word not in STOP)
    if any(not relevance.holds(best, word) for word in beyond):
        return False
    return fit.text[best] >= (WEAK if fit.known >= KNOWN else WEAK_UNKNOWN)


@dataclass(frozen=True, slots=True)
class Said:
    """What a question says that names of actions are held against.

    `places` are where in it each meaning stands first, `plural` the meanings that stand there in the plural;
    `first_write` are the verbs of the first that is no reading.
    """

    meant: dict[str, float]
    question: bool
    places: dict[str, int]
    plural: frozenset[str]
    things: frozenset[str]
    first_write: frozenset[str]
    short: bool
    ids: bool
    client: bool
    job: bool
    bulk: bool

    @classmethod
    def of(cls, asked: Asked, relevance: Relevance) -> "Said":
        """Of a question that was taken apart."""
        irregular = trade().irregular
        places: dict[str, int] = {}
        verbs: frozenset[str] = frozenset()
        for place, (word, root) in enumerate(asked.words):
            meant = [root, *(meaning for meaning, _ in meanings(root))]
            for meaning in meant:
                places.setdefault(meaning, place)
            # What ends so describes or is a thing: drafts, scheduled, sending.
            if not verbs and not word.endswith(("s", "ed", "ing")) and word not in irregular:
                verbs = _writes().intersection(meant)
        things = [root if root in relevance.nouns else first_meaning(root) for root in asked.telling]
        roots = {root for _, root in asked.words}
        return cls(
            asked.meant,
            any(word in QUESTIONS for word, _ in asked.words[:1]),
            places,
            frozenset(meaning for meaning, place in places.items() if _plural(asked.words[place][0])),
            relevance.nouns.intersection(things),
            verbs,
            short=len(asked.telling) <= SHORT,
            ids=not IDS.isdisjoint(word for word, _ in asked.words),
            client="client" in asked.meant,
            job=not roots.isdisjoint(map(stem, JOB)),
            bulk="bulk" in asked.meant or NUMBER in roots,
        )


@cache
def _writes() -> frozenset[str]:
    """The stems of WRITES: what stems are made with is read at the first search."""
    return frozenset(map(stem, WRITES))


def _plural(word: str) -> bool:
    return word in ("people", "everyone", "everybody", "who") or (
        word.endswith("s") and not word.endswith(("ss", "us"))
    )


def signs(name: Name, said: Said) -> list[float]:
    """How a name and a question stand to each other, in the order of SIGNS."""
    meant = said.meant
    covered = sum(meant.get(part, 0.0) for part in name.stems)
    writes = not name.verbs.isdisjoint(_writes())
    reads = 0.0 if writes or said.first_write else 1.0
    order = 0.0
    if name.whose:
        first = min((said.places[part] for part in name.thing if part in said.places), default=-1)
        second = min((said.places[part] for part in name.whose if part in said.places), default=-1)
        order = 0.0 if first == second or -1 in (first, second) else 1.0 if first < second else -1.0
    ids = "ids" in name.flags
    number = 0.0
    if said_things := [part for part in name.thing if part in said.places]:
        many = any(part in said.plural for part in said_things)
        number = (1.0 if many else -1.0) if "many" in name.flags else (-1.0 if many else 1.0)
        number = number if name.flags & {"many", "one"} else 0.0
    return [
        2 * covered / (len(name.stems) + max(1, len(said.things))),
        sum(meant.get(part, 0.0) for part in name.thing) / len(name.thing) if name.thing else 0.0,
        sum(meant.get(part, 0.0) for part in name.whose) / len(name.whose) - 0.5 if name.whose else 0.0,
        order,
        number,
        len(name.stems) / 5,
        len(said.things - name.stems) / max(1, len(said.things)),
        1.0 if said.question and not writes else 0.0,
        reads,
        reads if said.short else 0.0,
        1.0 if writes and said.first_write and not name.verbs & said.first_write else 0.0,
        1.0 if ids and not said.ids else 0.0,
        1.0 if ids and said.ids else 0.0,
        1.0 if "client" in name.flags and not said.client else 0.0,
        1.0 if "job" in name.flags and not said.job else 0.0,
        (1.0 if said.bulk else -1.0) if "bulk" in name.flags else 0.0,
    ]
