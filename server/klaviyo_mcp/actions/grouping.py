"""Many problems made readable: the same one in many rows is told once, and what is left out is counted."""

import re
from collections.abc import Iterable
from dataclasses import replace

from klaviyo_mcp.actions.errors import Problem

INDEX = re.compile(r"\[\d+\]")
NAMED = 3
"""Further rows of one problem that are named; the others are counted."""


def grouped(problems: Iterable[Problem], most: int) -> tuple[Problem, ...]:
    """Each problem once, with the rows that share it; after `most` of them, how many are not shown."""
    groups: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in dict.fromkeys(problems):
        key = (INDEX.sub("[]", problem.argument), problem.problem, problem.fix)
        groups.setdefault(key, []).append(problem)
    shown = [_told(group) for group in groups.values()]
    left = sum(len(group) for group in list(groups.values())[most:])
    if left:
        return (*shown[:most], Problem("", f"and {left} more {'problem' if left == 1 else 'problems'}, not shown here"))
    return tuple(shown)


def _told(group: list[Problem]) -> Problem:
    first, others = group[0], group[1:]
    if not others:
        return first
    named = ", ".join(problem.argument for problem in others[:NAMED])
    more = ", …" if len(others) > NAMED else ""
    return replace(first, problem=f"{first.problem} (the same in {len(others)} more: {named}{more})")
