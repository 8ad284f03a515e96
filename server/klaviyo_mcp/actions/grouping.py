"""Many problems as few lines: equal ones of many rows are one, so that others are seen, and the rest is counted."""

import re
from collections.abc import Sequence
from dataclasses import replace

from klaviyo_mcp.actions.errors import Problem

MOST_PROBLEMS = 20
"""Lines that an error shows."""
LEAST_ALIKE = 3
"""How many rows make a group; fewer are named each."""
ROWS_NAMED = 5


def grouped(problems: Sequence[Problem], *, cut: bool = False) -> tuple[Problem, ...]:
    """At most MOST_PROBLEMS problems. `cut` says that there are more than were found.

    `profiles[0].phone: there is no such field`, and 249 more like it, become
    `profiles[*].phone: there is no such field, in 250 rows: 0, 1, 2, 3, 4, …`.
    """
    alike: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        alike.setdefault((re.sub(r"\[\d+\]", "[*]", problem.argument), problem.problem, problem.fix), []).append(
            problem
        )
    lines: list[tuple[Problem, int]] = []
    for (place, words, _), same in alike.items():
        if len(same) < LEAST_ALIKE:
            lines += [(problem, 1) for problem in same]
            continue
        rows = list(dict.fromkeys(_row(problem.argument) for problem in same))
        named = ", ".join(rows[:ROWS_NAMED]) + (", …" if len(rows) > ROWS_NAMED else "")
        told = replace(same[0], argument=place, problem=f"{words}, in {len(rows)} rows: {named}")
        lines.append((told, len(same)))
    if len(lines) <= MOST_PROBLEMS and not cut:
        return tuple(problem for problem, _ in lines)
    shown, left = lines[: MOST_PROBLEMS - 1], lines[MOST_PROBLEMS - 1 :]
    count = sum(many for _, many in left)
    more = f"and {'more than ' if cut else ''}{count} more" if count else "and more that were not looked at"
    return (*(problem for problem, _ in shown), Problem("", more, "Correct these first"))


def _row(place: str) -> str:
    """The rows that a place lies in: `3` for `profiles[3].email`, `0.4` for a row within a row."""
    return ".".join(re.findall(r"\[(\d+)\]", place))
