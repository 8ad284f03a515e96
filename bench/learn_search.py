"""Learns what each sign counts when actions are found, and tells how well that does on queries it has not seen.

Learnt from `queries/tuning.tsv` and from the specs' `asks`, each looked for in an index that lacks it. Prints FIT and
SIGNS for `actions/finding.py`, and recall on each fifth of the tuning queries by weights learnt without that fifth.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from search import queries

from klaviyo_mcp.actions.finding import FIT, SIGNS, Said, signs
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.relevance import Relevance

FOLDS, USED = 6, 4
"""Every sixth of an action's asks is left out of an index; so many of these sixths are learnt from."""
EPOCHS, STEP, SHRINK = 8, 0.1, 2e-5
CANDIDATES = 60


@dataclass(slots=True)
class Example:
    """The signs of each candidate, and which of them answer the question."""

    signs: list[list[float]]
    right: list[int]


def main() -> None:
    """Print the weights, and recall by cross-validation."""
    specs = list(load_catalogue())
    tuning = examples(Relevance(specs), [(words, names) for words, names in queries("tuning") if names], specs)
    asks: list[Example] = []
    for fold in range(USED):
        left = [spec.model_copy(update={"asks": _without(spec.asks, fold)}) for spec in specs]
        apart = [(ask, [spec.name]) for spec in specs for ask in spec.asks[fold::FOLDS]]
        asks += examples(Relevance(left), apart, specs)
    seen: list[int] = []
    for fold in range(5):
        rest = [example for at, example in enumerate(tuning) if at % 5 != fold]
        seen += ranks(tuning[fold::5], learnt(rest, asks))
    weights = learnt(tuning, asks)
    print("tuning, cross-validated ", _recall(seen))
    print("asks left out           ", _recall(ranks(asks, weights)))
    names = [*FIT, *SIGNS]
    print("\n".join(f'    "{name}": {weight:.2f},' for name, weight in zip(names, weights, strict=True)))


def _without(asks: Sequence[str], fold: int) -> list[str]:
    return [ask for at, ask in enumerate(asks) if (at - fold) % FOLDS]


def examples(relevance: Relevance, known: list[tuple[str, list[str]]], specs: list[ActionSpec]) -> list[Example]:
    """What is learnt from: queries with the names of the actions that answer them."""
    places = {spec.name: at for at, spec in enumerate(specs)}
    made: list[Example] = []
    for words, names in known:
        asked = relevance.taken_apart(words)
        said = Said.of(asked, relevance)
        fit = [list(each) for each in relevance.fit(asked).signs()]
        right = {places[name] for name in names}
        rough = [sum(map(float.__mul__, FIT.values(), each)) for each in fit]
        best = {*sorted(range(len(fit)), key=lambda at: -rough[at])[:CANDIDATES], *right}
        order = sorted(best)
        rows = [fit[at] + signs(relevance.names[at], said) for at in order]
        made.append(Example(rows, [place for place, at in enumerate(order) if at in right]))
    return made


def learnt(tuning: list[Example], asks: list[Example]) -> list[float]:
    """Weights by which what is right is likely: a softmax over candidates, descended by AdaGrad."""
    lots = random.Random(1)
    weights = [*FIT.values(), *SIGNS.values()]
    squares = [1e-3] * len(weights)
    # Both kinds count for the same in all, however many they are.
    shares = [(example, 1.0) for example in tuning] + [(one, len(tuning) / len(asks)) for one in asks]
    for _ in range(EPOCHS):
        lots.shuffle(shares)
        for example, share in shares:
            scores = _scores(example, weights)
            top = max(scores)
            odds = [math.exp(score - top) for score in scores]
            whole, good = sum(odds), sum(odds[at] for at in example.right) or 1e-300
            right = set(example.right)
            pulls = [odd / whole - (odd / good if at in right else 0.0) for at, odd in enumerate(odds)]
            slope = [share * sum(map(float.__mul__, pulls, column)) for column in zip(*example.signs, strict=True)]
            for at, value in enumerate(slope):
                squares[at] += value * value
                weights[at] -= STEP * (value / squares[at] ** 0.5) + SHRINK * weights[at]
    return weights


def ranks(apart: list[Example], weights: list[float]) -> list[int]:
    """How many candidates come before the first that is right."""
    found: list[int] = []
    for example in apart:
        scores = _scores(example, weights)
        best = max(scores[at] for at in example.right)
        found.append(sum(score > best for score in scores))
    return found


def _scores(example: Example, weights: list[float]) -> list[float]:
    return [sum(map(float.__mul__, weights, row)) for row in example.signs]


def _recall(places: list[int]) -> str:
    return "  ".join(f"@{k} {sum(at < k for at in places) / len(places):.1%}" for k in (1, 3, 5))


if __name__ == "__main__":
    main()
