"""How well actions are found by words, and how fast: `make bench`, or by itself.

Beside it, in the same run, the plain full-text search by which names are suggested. Queries are in `queries/`:
`tuning.tsv` is what the search was made with, `seen.tsv` what was kept apart until it had been looked at, and
`held_out.tsv` what it was not made with. `--tuning` leaves out the last, which is looked at seldom, so that it stays
what it is. `unanswerable.tsv` is what no action does.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from klaviyo_mcp.actions.finding import look_for
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Registry

QUERIES = Path(__file__).parent / "queries"
MOST = 10
AT = (1, 3, 5)
Find = Callable[[str], list[str]]


def main() -> None:
    """Print recall, mean reciprocal rank and time of both, for each set, and what is told as having no answer."""
    registry = Registry(load_catalogue())
    ways: dict[str, Find] = {
        "plain": lambda words: [spec.name for spec in registry.finder.find(words, MOST)],
        "klaviyo-mcp": lambda words: [action.name for action in look_for(registry, words, MOST).actions],
    }
    sets = {name: queries(name) for name in ("tuning", "seen", "held_out")[: 2 if "--tuning" in sys.argv else 3]}
    began = time.perf_counter()
    ways["klaviyo-mcp"]("warm up")
    built = time.perf_counter() - began
    ways["plain"]("warm up")
    print(f"{'':24}{'queries':>9}" + "".join(f"{f'recall@{k}':>11}" for k in AT) + f"{'MRR':>8}{'p50':>12}{'p95':>12}")
    for name, asked in sets.items():
        known = [(words, names) for words, names in asked if names]
        for way, find in ways.items():
            recall, rank, took = measure(find, known)
            shares = "".join(f"{share:>11.1%}" for share in recall)
            times = "".join(f"{each:>9.2f} ms" for each in (took[len(took) // 2], took[len(took) * 95 // 100]))
            print(f"{f'{name}, {way}':24}{len(known):>9}{shares}{rank:>8.3f}{times}")
    print(f"The index is built at the first question, in {built * 1000:.0f} ms.")
    sets["unanswerable"] = queries("unanswerable")
    for name, asked in sets.items():
        none = [not look_for(registry, words, 1).likely for words, names in asked if not names]
        wrong = [not look_for(registry, words, 1).likely for words, names in asked if names]
        told = f"{sum(none)} of {len(none)} that no action answers are told as such"
        print(f"{name}: {told}" + (f", and {sum(wrong)} of {len(wrong)} that some action does" if wrong else "") + ".")
    print("Goals on queries kept apart: recall@1 at least 80 %, recall@5 at least 97 %, under 2 ms.")


def queries(name: str) -> list[tuple[str, list[str]]]:
    """Queries with the names of the actions that answer them, none where no action does."""
    lines = (QUERIES / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [
        (words, [] if names == "-" else names.split(","))
        for words, _, names in (line.partition("\t") for line in lines)
    ]


def measure(find: Find, known: list[tuple[str, list[str]]]) -> tuple[list[float], float, list[float]]:
    """Recall at each of AT, mean reciprocal rank, and the times in milliseconds, sorted."""
    places: list[int | None] = []
    took: list[float] = []
    for words, names in known:
        began = time.perf_counter()
        found = find(words)
        took.append((time.perf_counter() - began) * 1000)
        places.append(next((at for at, name in enumerate(found) if name in names), None))
    recall = [sum(at is not None and at < k for at in places) / len(places) for k in AT]
    rank = sum(1 / (at + 1) for at in places if at is not None) / len(places)
    return recall, rank, sorted(took)


if __name__ == "__main__":
    main()
