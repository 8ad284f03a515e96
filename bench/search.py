"""How well actions are found by words, and how fast: `make bench`, or by itself.

Beside it, in the same run, the plain full-text search that it is built on. Queries are in `queries/`: `tuning.tsv` is
what the search was made with, `held_out.tsv` what it was not.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from klaviyo_mcp.actions.finding import find_by_words
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Registry

QUERIES = Path(__file__).parent / "queries"
MOST = 10
AT = (1, 3, 5)
Find = Callable[[str], list[str]]


def main() -> None:
    """Print recall, mean reciprocal rank and time of both, for both sets."""
    registry = Registry(load_catalogue())
    ways: dict[str, Find] = {
        "plain": lambda words: [spec.name for spec in registry.finder.find(words, MOST)],
        "klaviyo-mcp": lambda words: [action.name for action in find_by_words(registry, words, MOST)],
    }
    print(f"{'':24}{'queries':>9}" + "".join(f"{f'recall@{k}':>11}" for k in AT) + f"{'MRR':>8}{'p50':>12}")
    for name in ("tuning", "held_out"):
        asked = [line.split("\t") for line in (QUERIES / f"{name}.tsv").read_text(encoding="utf-8").splitlines()]
        known = [(words, names.split(",")) for words, names in asked if names != "-"]
        for way, find in ways.items():
            find("warm up")
            recall, rank, took = measure(find, known)
            shares = "".join(f"{share:>11.1%}" for share in recall)
            print(f"{f'{name}, {way}':24}{len(known):>9}{shares}{rank:>8.3f}{took:>9.2f} ms")
    print("Goals on queries kept apart: recall@1 at least 80 %, recall@5 at least 97 %, under 2 ms.")


def measure(find: Find, known: list[tuple[str, list[str]]]) -> tuple[list[float], float, float]:
    """Recall at each of AT, mean reciprocal rank, and the median time in milliseconds."""
    places: list[int | None] = []
    took: list[float] = []
    for words, names in known:
        began = time.perf_counter()
        found = find(words)
        took.append((time.perf_counter() - began) * 1000)
        places.append(next((at for at, name in enumerate(found) if name in names), None))
    recall = [sum(at is not None and at < k for at in places) / len(places) for k in AT]
    rank = sum(1 / (at + 1) for at in places if at is not None) / len(places)
    return recall, rank, statistics.median(took)


if __name__ == "__main__":
    main()
