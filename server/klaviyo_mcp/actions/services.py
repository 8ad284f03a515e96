"""What this server carries out itself, as actions like all others: they pass the same gate, wait for the same yes.

A spec names a service (`request: {service: NAME}`); whoever puts the server together says what stands behind the name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.consequences import Told
from klaviyo_mcp.actions.errors import ActionError, Problem
from klaviyo_mcp.klaviyo.requests import Announce
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Action


class Sentence(str):
    """A reason to wait that is told as it stands, and is none of Klaviyo's limits."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """An admitted call for a service. `announce` is told how far it is: done, of how many, and a `Sentence`.

    `check_may` raises for an action, by name, that whoever calls could not call: PartNotOpen, or as `Gate.admit`.
    """

    action: Action
    arguments: JSON
    account: Account
    announce: Announce | None
    check_may: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Served:
    """What a service has done: the answer, a line that says what it is, and whether anything was changed in Klaviyo."""

    answer: JSON
    says: str
    wrote: bool = False


class GoesOn(Exception):
    """What a call would do is still being looked up, beside it: `answer` and `says` are told until then."""

    def __init__(self, answer: JSON, says: str) -> None:
        """Nothing was done yet."""
        super().__init__(says)
        self.answer, self.says = answer, says


class FoundBeside(Exception):
    """What a call of `action` would do, which was looked up beside it: answered as that call would be, now."""

    def __init__(self, action: str, arguments: JSON, found: Told) -> None:
        """`found` is what its `look` gives."""
        super().__init__(action)
        self.action, self.arguments, self.found = action, arguments, found


class Service(Protocol):
    """Both raise ActionError and KlaviyoError; `look` may raise GoesOn, and `carry_out` of a read FoundBeside."""

    async def look(self, call: ServiceCall, *, agreed: bool) -> Told:
        """What a call would do. Changes nothing in Klaviyo.

        `agreed` is true where it was shown before and is about to be carried out: what is found then is compared with
        what was shown by `Told.same`, and carried out.
        """
        ...

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """Do it. `found` is what was agreed to, None where nobody had to."""
        ...


Services = Callable[[str], Service | None]
"""The service of a name, made at its first use; None where there is none."""


def no_services(_: str) -> Service | None:
    """A program that only sends requests has none."""
    return None


class ServiceMissing(ActionError):
    """What carries the action out is not part of this program, or not under these settings."""

    code = "not_here"
    advice = "Tell the user: this needs the MCP server (klaviyo-mcp serve), or the command line of the same purpose."

    def __init__(self, name: str) -> None:
        """`name` is the action's."""
        super().__init__(f"{name} is carried out by an MCP server itself, and this program is none.")


class ServiceProblem(ActionError):
    """A service cannot do what it was asked for. Its words are its own; `found` is what was found before, as data."""

    code = "not_possible"
    advice = "Correct what the message names and call again."

    def __init__(
        self,
        message: str,
        next_step: str = "",
        problems: tuple[Problem, ...] = (),
        *,
        found: JSON | None = None,
        looked: bool = False,
    ) -> None:
        """`looked` says whether Klaviyo was read for it."""
        super().__init__(message, problems)
        self.next_step = next_step or self.advice
        self.found = found or {}
        self.looked = looked


class PartNotOpen(ActionError):
    """A service would carry out an action that whoever calls cannot reach."""

    code = "not_open"

    def __init__(self, whole: str, part: str) -> None:
        """Both are names of actions: the one that was called, and what it would carry out."""
        super().__init__(f"{whole} would carry out {part} here, and {part} is not among the actions that are open.")
        self.next_step = f"Tell the user: this needs {part}, which whoever set this up has to open, too."


class RowsNotGood(ServiceProblem):
    """Rows do not pass their check, and nobody said that they may be left out."""

    code: ClassVar[str] = "rows_not_good"
