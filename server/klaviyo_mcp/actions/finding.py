"""Finding the actions that do what is asked for in plain words: search, and what the verb of a question wants."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from klaviyo_mcp.actions.wording import FILLERS, Wording, meanings, stem, wording
from klaviyo_mcp.registry.registry import STRENGTH, Action, Registry
from klaviyo_mcp.registry.search import Hit

BY_SPEC, BY_ASK, ALIKE, NAME, VERB, NUMBER = 1.0, 0.91, 1.0, 1.1, 0.12, 0.18
"""How much each sign counts for an action: search's own, and what its name has of the question."""
EFFECT, IDS, CLIENT, BULK, JOB = 0.15, 2.0, 0.56, 0.05, 0.36
"""How much it counts against one that it does, or is for, what was not asked for. Found by trial: `bench/search.py`."""
CANDIDATES = 80
QUESTIONS = frozenset(
    [
        "who",
        "what",
        "which",
        "when",
        "where",
        "why",
        "how",
        "is",
        "are",
        "does",
        "do",
        "did",
        "was",
        "were",
        "has",
        "have",
        "can",
    ]
)


def find_by_words(
    registry: Registry, words: str, most: int, shows: Callable[[Action], bool] = lambda _: True
) -> list[Action]:
    """The actions that fit, best first, none where no word of the question is one of ours."""
    asked = _asked(words)
    hits = [hit for hit in registry.finder.hits(words) if shows(registry[hit.spec.name])]
    likely = heapq.nlargest(CANDIDATES, hits, key=lambda hit: hit.by_spec + 2 * hit.by_ask)
    scored = {hit.spec.name: _score(registry[hit.spec.name], hit, asked) for hit in likely}
    named = [spec.name for spec in registry.finder.named(words) if shows(registry[spec.name])]
    ranked = [*named, *sorted(scored, key=lambda name: (-scored[name], name))]
    return [registry[name] for name in dict.fromkeys(ranked)][:most]


@dataclass(frozen=True, slots=True)
class _Question:
    """A question taken apart once, for all actions."""

    wording: Wording
    is_question: bool
    wants_ids: bool
    wants_client: bool
    wants_job: bool
    wants_many: bool
    wants_bulk: bool
    meant: frozenset[str]


def _asked(words: str) -> _Question:
    taken = wording(" ".join(words.split()))
    said = set(taken.words)
    first = taken.words[0] if taken.words else ""
    meant = frozenset(meaning for word in taken.words for meaning in meanings(word)) - FILLERS
    return _Question(
        taken,
        first in QUESTIONS or words.rstrip().endswith("?"),
        bool(said & {"ids", "identifiers", "relationship", "relationships"}),
        bool(
            said & {"client", "browser", "public", "app", "frontend", "javascript", "mobile", "site", "website", "js"}
        ),
        bool(said & {"job", "jobs", "status", "finished", "done", "running", "progress", "errors"}),
        any(stem(thing) != thing for thing in taken.things) or bool(said & {"all", "list", "every"}),
        bool(said & {"bulk", "many", "several", "batch", "mass", "csv", "import", "load"}),
        meant,
    )


@lru_cache(maxsize=1024)
def _own(name: str) -> frozenset[str]:
    return frozenset(stem(word) for word in name.split("_")) - FILLERS


def _score(action: Action, hit: Hit, asked: _Question) -> float:
    score = BY_SPEC * hit.by_spec + BY_ASK * hit.by_ask + ALIKE * hit.alike
    name = action.name
    own = _own(name)
    covered = len(own & asked.meant)
    score += NAME * 2 * covered / (len(own) + max(1, len(asked.wording.things)))
    if asked.wording.row and name.removeprefix("bulk_").startswith(asked.wording.starts):
        score += VERB
    wanted = "read" if asked.is_question and asked.wording.asks != "reversal" else asked.wording.effect
    if asked.wording.row or asked.is_question:
        apart = STRENGTH[action.effect] - STRENGTH[wanted]
        score -= EFFECT * (abs(apart) if wanted == "read" else 1 if action.effect == "read" else 0)
    if ("_ids_for_" in name or "_id_for_" in name) and not asked.wants_ids:
        score -= IDS
    if action.spec.toolset == "client" and not asked.wants_client:
        score -= CLIENT
    if name.endswith(("_job", "_jobs")) and not asked.wants_job:
        score -= JOB
    if name.startswith("bulk_") and not asked.wants_bulk:
        score -= BULK
    if name.startswith("get_"):
        many = name.split("_for_")[0].endswith("s")
        score += NUMBER if many == asked.wants_many else -NUMBER
    return score
