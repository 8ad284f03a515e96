"""What a task is: what a marketer says, what has to be so afterwards, and what must not have happened."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.tasks.shop import JSON, Change, Shop, Snapshot

MUST_NOT = (
    "send_campaign",
    "bulk_suppress_profiles",
    "delete_list",
    "delete_segment",
    "delete_campaign",
    "delete_flow",
)
"""Operations that no task asks for: what leaves the house, and what cannot be had back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent ends with: words for the marketer, and the facts that were asked for by name."""

    text: str
    data: JSON


class Case:
    """One task that was done, for its check: the state before and after, the answer, and the problems found."""

    def __init__(self, shop: Shop, given: Mapping[str, Any], after: Snapshot, answer: Answer) -> None:
        self.shop = shop
        self.given = given
        self.before = shop.first
        self.after = after
        self.answer = answer
        self.problems: list[str] = []
        self._left = self.before.changes(after)

    def expect(self, holds: bool, otherwise: str) -> bool:
        """Note a problem unless something holds, and say whether it does."""
        if not holds:
            self.problems.append(otherwise)
        return holds

    def equal(self, what: str, found: object, wanted: object) -> bool:
        """Note a problem unless two values are the same."""
        return self.expect(found == wanted, f"{what} is {found!r}, not {wanted!r}")

    def said(self, name: str, wanted: Any, within: float = 0.0) -> bool:
        """Note a problem unless the agent's answer has this value; numbers may be off by `within`."""
        found = self.answer.data.get(name)
        if isinstance(wanted, float | int) and not isinstance(wanted, bool):
            right = isinstance(found, float | int) and abs(found - wanted) <= within
        elif isinstance(wanted, set | frozenset):
            right = isinstance(found, list) and set(found) == wanted and len(found) == len(wanted)
        else:
            right = found == wanted
        return self.expect(right, f"the answer has {name} = {found!r}, not {wanted!r}")

    def allow(self, table: str, *keys: str, where: Callable[[Change], bool] | None = None) -> list[Change]:
        """Changes that belong to the task, with one of these keys' ends (any, when there are none), so far unseen."""
        found = [
            change
            for change in self._left
            if change.table == table and (not keys or change.key[-1] in keys) and (where is None or where(change))
        ]
        self._left = [change for change in self._left if change not in found]
        return found

    def made(self, table: str) -> dict[str, JSON]:
        """What is new of a kind, by id. It belongs to the task."""
        changes = self.allow(table, where=lambda change: change.was is None)
        return {change.key[1]: self.after.records(table)[change.key[1]] for change in changes}

    def one(self, table: str) -> tuple[str, JSON]:
        """The one that is new of a kind; a problem, and nothing in its place, unless there is exactly one."""
        made = self.made(table)
        self.equal(f"the number of new rows of {table}", len(made), 1)
        return next(iter(made.items()), ("", {}))

    def links(self, relation: str, *sources: str) -> tuple[set[str], set[str]]:
        """What was related to some resources, and what is no longer, in this task."""

        def here(change: Change) -> bool:
            return change.key[1] == relation and (not sources or change.key[2] in sources)

        changes = self.allow("link", where=here)
        added = {change.key[3] for change in changes if change.was is None}
        return added, {change.key[3] for change in changes if change.now is None}

    def nothing_else(self) -> None:
        """Note whatever changed that no check has looked at."""
        # A segment takes in whom its conditions fit by itself, whenever anybody looks.
        asked = [change for change in self._left if change.key[1:2] != ("segment.profiles",)]
        for change in asked[:5]:
            self.problems.append(f"nobody asked for this: {change}")
        if len(asked) > 5:
            self.problems.append(f"and {len(asked) - 5} more changes")


def nothing_given(_: Snapshot) -> JSON:
    """For tasks whose words do not depend on the shop."""
    return {}


@dataclass(frozen=True)
class Task:
    """One task.

    prompt: what the marketer says; {names} in it are filled from `given`
    answer: the facts that the agent's answer has to hold, by name, and what they are
    given: what the marketer knows of the shop and says, from its first state
    check: notes in the case whatever is not as it should be
    must_not: operations that are wrong whatever comes of them
    before: the calls that an agent needed which saw all tools as a list, and the thousands of characters it read
    """

    number: int
    title: str
    prompt: str
    check: Callable[[Case], None]
    before: tuple[int, int]
    answer: Mapping[str, str] = field(default_factory=dict[str, str])
    given: Callable[[Snapshot], JSON] = nothing_given
    must_not: Iterable[str] = MUST_NOT

    def told(self, given: Mapping[str, Any]) -> str:
        """The whole prompt, with how the answer ends."""
        words = self.prompt.format(**given)
        if not self.answer:
            return words
        facts = "\n".join(f"- {name}: {what}" for name, what in self.answer.items())
        return f"{words}\n\nEnd with a sentence or two for me, and with these facts as data:\n{facts}"


def judged(task: Task, case: Case, operations: Iterable[str]) -> list[str]:
    """Every way in which a task was not done as it should be; empty for one that was."""
    try:
        task.check(case)
    except Exception as error:  # noqa: BLE001 - whatever an agent left behind, the other tasks are still to be judged
        case.problems.append(f"its check ended with {type(error).__name__}: {error}")
    case.nothing_else()
    wrong = sorted(set(operations) & set(task.must_not))
    case.problems.extend(f"{operation} was called, and must not be" for operation in wrong)
    return case.problems
