"""Finding the actions that do what is asked for in plain words: search, and what the verb of a question wants."""

from collections.abc import Callable
from dataclasses import dataclass

from klaviyo_mcp.actions.wording import FILLERS, Wording, meanings, stem, wording
from klaviyo_mcp.registry.registry import STRENGTH, Action, Registry
from klaviyo_mcp.registry.search import Hit


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each sign counts that an action is the one."""

    spec: float = 1.0
    ask: float = 2.0
    name: float = 0.5
    verb: float = 0.3
    effect: float = 0.4
    ids: float = 0.6
    client: float = 0.5
    unasked: float = 0.05


WEIGHTS = Weights()
QUESTIONS = frozenset("who what which when where why how is are does do did was were has have can".split())


def find_by_words(
    registry: Registry,
    words: str,
    most: int,
    shows: Callable[[Action], bool] = lambda _: True,
    weights: Weights = WEIGHTS,
) -> list[Action]:
    """The actions that fit, best first, none where no word of the question is one of ours."""
    asked = _asked(words)
    scored = {
        hit.spec.name: _score(registry[hit.spec.name], hit, asked, weights) for hit in registry.finder.hits(words)
    }
    named = [spec.name for spec in registry.finder.named(words)]
    ranked = [*named, *sorted(scored, key=lambda name: (-scored[name], name))]
    return [registry[name] for name in dict.fromkeys(ranked) if shows(registry[name])][:most]


@dataclass(frozen=True, slots=True)
class _Question:
    """A question taken apart once, for all actions."""

    wording: Wording
    is_question: bool
    wants_ids: bool
    wants_client: bool
    meant: frozenset[str]


def _asked(words: str) -> _Question:
    taken = wording(" ".join(words.split()))
    said = set(taken.words)
    first = taken.words[0] if taken.words else ""
    meant = frozenset(meaning for word in taken.words for meaning in meanings(word)) - FILLERS
    return _Question(
        taken,
        first in QUESTIONS or words.rstrip().endswith("?"),
        bool(said & {"id", "ids", "identifier", "identifiers", "relationship", "relationships"}),
        bool(said & {"client", "browser", "public", "app", "frontend", "javascript", "mobile", "site", "website"}),
        meant,
    )


def _score(action: Action, hit: Hit, asked: _Question, weights: Weights) -> float:
    score = weights.spec * hit.by_spec + weights.ask * hit.by_ask
    own = frozenset(stem(word) for word in action.name.split("_")) - FILLERS
    score += weights.name * len(own & asked.meant) / len(own | {""})
    score -= weights.unasked * len(own - asked.meant)
    if any(action.name.startswith(f"{start}_") for start in asked.wording.starts) and asked.wording.row:
        score += weights.verb
    wanted = "read" if asked.is_question and asked.wording.asks != "reversal" else asked.wording.effect
    if asked.wording.row or asked.is_question:
        apart = STRENGTH[action.effect] - STRENGTH[wanted]
        score -= weights.effect * (abs(apart) if wanted == "read" else 1 if action.effect == "read" else 0)
    is_ids = "_ids_for_" in action.name or "_id_for_" in action.name or "ids_for" in action.name
    if is_ids != asked.wants_ids:
        score -= weights.ids * is_ids
    if action.spec.toolset == "client" and not asked.wants_client:
        score -= weights.client
    return score
