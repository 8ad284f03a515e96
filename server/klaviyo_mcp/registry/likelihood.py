"""Naive Bayes: how likely each label is by the words of a text, learnt from texts whose labels are known."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

SMOOTHING = 2.0
"""So many texts without a word's like are added to what was seen, for words that are rare."""


class Likelihood:
    """Labels are numbers from 0. Learnt in one pass; asking costs what the words have rows."""

    def __init__(self, rows: Sequence[tuple[int, Iterable[str]]]) -> None:
        """`rows` are labels with the words of a text."""
        seen: dict[int, Counter[str]] = defaultdict(Counter)
        texts = Counter(label for label, _ in rows)
        total: Counter[str] = Counter()
        for label, words in rows:
            kept = set(words)
            seen[label].update(kept)
            total.update(kept)
        self._without = [0.0] * (max(texts, default=-1) + 1)
        for label, many in texts.items():
            self._without[label] = math.log(SMOOTHING / (many + SMOOTHING))
        self._with: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for label, words in seen.items():
            many = texts[label]
            for word, times in words.items():
                share = total[word] / len(rows)
                likely = math.log((times + SMOOTHING * share) / (many + SMOOTHING) / share)
                self._with[word].append((label, likely - self._without[label]))

    def of(self, words: Iterable[str], least: float) -> list[float]:
        """The logarithm of how much less likely each label is than the likeliest, `least` for what is lower."""
        known = [row for word in words if (row := self._with.get(word))]
        found = [len(known) * without for without in self._without]
        for row in known:
            for label, more in row:
                found[label] += more
        top = max(found, default=0.0)
        scale = max(1, len(known)) ** 0.5
        return [max(least, (value - top) / scale) for value in found]
