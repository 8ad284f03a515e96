"""What can be wrong with a call before Klaviyo hears of it.

ActionError
├── UnknownAction         no action has this name; `candidates` holds those that do something like it
├── NotPermitted          the server runs read-only
├── ScopeMissing          the account's credentials are known not to allow the action
├── InvalidArguments      the arguments break the action's schema; all problems at once
├── PreconditionFailed    a declared rule does not hold; all problems at once
├── PartMissing           the answer has no part of the name asked for
├── RuleBroken            a rule of the server's policy does not allow it (in `policy`)
├── NotPutTogether        what was read for an answer made of several does not fit together
└── Stopped               a composite action broke off in the middle; `done` says what had been finished
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.tool_names import RUN_TOOLS

CANDIDATES = "These do something like it; read what they do before you call one:"
"""What stands before a list of candidates."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a call. `argument` is a path such as `profiles[3].email`, or empty for the call itself.

    `sought` is set where an id was wanted: the form of ids, and the text that was given and may be a name.
    """

    argument: str
    problem: str
    fix: str = ""
    sought: tuple[str, str] | None = None

    def __str__(self) -> str:
        """One line: argument, problem, fix."""
        text = f"{self.argument}: {self.problem}" if self.argument else self.problem
        end = "" if self.fix.endswith(("?", ".")) else "."
        return f"{text}. {self.fix}{end}" if self.fix else f"{text}."


class ActionError(Exception):
    """Base: the call was not carried out, and nothing was sent to change anything."""

    code: ClassVar[str] = "action_error"
    advice: ClassVar[str] = ""
    looked: bool = False
    """Whether the account had been read for it."""

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        """`message` is one sentence; `problems` lists what to correct."""
        super().__init__(message)
        self.message = message
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action that may be meant by a name that none has."""

    name: str
    effect: Effect
    summary: str

    def __str__(self) -> str:
        """One line: name, effect, what it does."""
        return f"{self.name} ({self.effect}): {self.summary}"


class UnknownAction(ActionError):
    """No action has this name or alias."""

    code = "unknown_action"

    def __init__(self, name: str, candidates: tuple[Candidate, ...] = ()) -> None:
        """`candidates` are actions to look at, none stronger than the name asks for; that is no advice to call one."""
        names = " or ".join(candidate.name for candidate in candidates)
        found = f"Did you mean {names}?" if names else "None is found that does what it says."
        super().__init__(f"There is no action named {one_line(name)}. {found}")
        self.candidates = candidates

    @property
    def near(self) -> list[str]:
        """The names of the candidates."""
        return [candidate.name for candidate in self.candidates]

    @property
    def how_to_look(self) -> str:
        """How to find the right one."""
        if self.candidates:
            return "Read what the candidates do; call one only if it is what was asked for, else search again."
        return "Search with find_actions and a few words (on the command line: `klaviyo-mcp actions search`)."

    @property
    def told(self) -> str:
        """All of it as text: what is wrong, the candidates, else how to look."""
        listed = [f"- {candidate}" for candidate in self.candidates]
        return "\n".join([self.message, *([CANDIDATES, *listed] if listed else [self.how_to_look])])


def one_line(name: str) -> str:
    """A name as it came in, fit for a message: quoted, on one line, without control characters, at most 100 of it."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in name[:400]).split())
    return repr(plain if len(plain) <= 90 and len(name) <= 400 else f"{plain[:90]}…")


class NotPermitted(ActionError):
    """The server was started read-only and the action changes something."""

    code = "read_only"
    advice = "Tell the user: whoever runs this server has to start it without --read-only to allow changes."


class ScopeMissing(ActionError):
    """The account is known to lack a scope of the action, or Klaviyo has refused the action to it before."""

    code = "scope_missing"

    def __init__(self, message: str, scopes: tuple[str, ...], mend: str) -> None:
        """`scopes` are those that are missing, `mend` says how to get them."""
        super().__init__(message)
        self.scopes = scopes
        self.mend = mend


class WrongTool(ActionError):
    """A tool that runs actions of one effect was given a call of another."""

    code = "wrong_tool"

    def __init__(self, name: str, effect: Effect, because: Sequence[str] = ()) -> None:
        """`because` says what makes the call stronger than its action is."""
        why = f" with these arguments ({' '.join(because)})" if because else ""
        super().__init__(f"{name} is {effect}{why}, and this tool is for another effect.")
        self.next_step = f"Call {RUN_TOOLS[effect]} with the same action and arguments, if the user wants that."


class InvalidArguments(ActionError):
    """The arguments do not fit the action's schema."""

    code = "invalid_arguments"
    advice = "Correct every problem listed and call again."


class PreconditionFailed(ActionError):
    """A rule that must hold before the action may run does not. `looked` says whether the account was read for it."""

    code = "precondition_failed"
    advice = "Correct every problem listed and call again."

    def __init__(self, message: str, problems: tuple[Problem, ...] = (), *, looked: bool = False) -> None:
        """As ActionError; `looked` is set by the rules that need a request."""
        super().__init__(message, problems)
        self.looked = looked


class PartMissing(ActionError):
    """A read was made, and the part of its answer that was asked for is not there."""

    code = "no_such_part"
    advice = "Call again without part to see the whole answer, or with a part as an entry of its cut names it."
    looked = True


class NotPutTogether(ActionError):
    """What was read does not fit what a spec makes of it: Klaviyo answered in a form that is not expected."""

    code = "not_put_together"
    advice = "Read it by actions of one request each, such as get_profiles; find them with find_actions."
    looked = True


class Stopped(ActionError):
    """A step of a composite action failed after earlier steps had changed something."""

    code = "stopped_midway"

    def __init__(self, cause: "ActionError | KlaviyoError", step: str, done: dict[str, Any]) -> None:
        """`done` is the part of the answer that was reached; `step` is what failed, as the name of an action."""
        super().__init__(f"{step} failed: {cause.message}")
        self.cause = cause
        self.done = done
