"""What a check found: how many rows passed, and the problems of others in groups. It holds no value of a row."""

from dataclasses import dataclass, field

SAMPLE_LINES = 5
MOST_GROUPS = 200


@dataclass(slots=True)
class ProblemGroup:
    """Rows with one problem: the column ("" for the row), what is wrong, what to do, how many, the first lines."""

    where: str
    why: str
    advice: str
    count: int = 0
    lines: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class CheckReport:
    """What a check found; whole once its rows were read to the end.

    `rows` = `good` + `rejected` + `duplicates`. Each problem of a row counts in its group. `told` has sentences on what
    was normalised, with counts. Nothing here holds a value of a row.
    """

    rows: int = 0
    good: int = 0
    rejected: int = 0
    duplicates: int = 0
    problems: list[ProblemGroup] = field(default_factory=list[ProblemGroup])
    told: list[str] = field(default_factory=list[str])
    fingerprint: str = ""


class Problems:
    """The groups of problems, in the order they are met; beyond MOST_GROUPS, one group for all others."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], ProblemGroup] = {}

    def add(self, line: int, where: str, why: str, advice: str) -> None:
        """Count a problem of a row."""
        key = (where, why)
        if key not in self._groups and len(self._groups) >= MOST_GROUPS:
            key, advice = ("", "has another problem"), "Look at the file of rejected rows"
        group = self._groups.setdefault(key, ProblemGroup(*key, advice))
        group.count += 1
        if len(group.lines) < SAMPLE_LINES:
            group.lines.append(line)

    def all(self) -> list[ProblemGroup]:
        """The groups, the largest first."""
        return sorted(self._groups.values(), key=lambda group: -group.count)
