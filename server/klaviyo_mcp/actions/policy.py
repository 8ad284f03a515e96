"""What whoever runs a server allows beyond what it exposes: rules that forbid, ask for a yes, or cap.

Rules only narrow: none can allow what something else refuses. They hold for actions that are called and for all that
these are made of, alike; what the server itself looks up for a call is its own business.
"""

from dataclasses import dataclass
from typing import Literal

from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.registry import Action

Kind = Literal["items", "recipients"]
"""What is capped: records that a call changes, or people whom it reaches."""
Span = Literal["call", "day"]


class RuleBroken(ActionError):
    """A rule of whoever runs the server does not allow the call; nothing was sent to change anything."""

    code = "policy"
    advice = (
        "Do not try another way around it: tell the user which rule it was. Only whoever runs this server can change "
        "the rule."
    )


class NotCounted(RuleBroken):
    """A cap per day could not be held against what was done before."""

    code = "policy_not_checked"
    advice = "Call again in a minute; if it stays so, tell the user that the Redis of KLAVIYO_MCP_QUOTA_URL is away."


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many, in one call or in one day (UTC) of an account."""

    kind: Kind
    span: Span
    most: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Which actions a rule is about, by name and by effect (None: any), and what it says of them.

    `told` is what it is called in an error: `rule 'no-deletions' of the policy`.
    """

    name: str
    told: str
    actions: frozenset[str] | None = None
    effects: frozenset[Effect] | None = None
    forbid: bool = False
    confirm: bool = False
    caps: tuple[Cap, ...] = ()
    why: str = ""

    def is_about(self, action: Action, effect: Effect | None = None) -> bool:
        """Whether it holds for an action, or a call of it with such an effect; of both the stricter is taken."""
        if self.actions is not None and action.name not in self.actions:
            return False
        return self.effects is None or action.effect in self.effects or effect in self.effects

    def broken(self, what: str, *, looked: bool = False) -> RuleBroken:
        """The error of a call that it does not allow."""
        error = RuleBroken(f"{what}, by {self.told}.{f' {self.why}' if self.why else ''}")
        error.looked = looked
        return error


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a server; all of them hold, so the strictest wins."""

    rules: tuple[Rule, ...] = ()

    def forbidding(self, action: Action, effect: Effect | None = None) -> Rule | None:
        """The first rule that forbids an action, or a call of it with such an effect."""
        return next((rule for rule in self.rules if rule.forbid and rule.is_about(action, effect)), None)

    def allow(self, action: Action, effect: Effect | None = None) -> None:
        """Nothing, or RuleBroken."""
        if rule := self.forbidding(action, effect):
            raise rule.broken(f"{action.name} is not allowed on this server")

    def confirming(self, action: Action, effect: Effect | None = None) -> Rule | None:
        """The first rule that has an action, or a call of it with such an effect, wait for a yes."""
        return next((rule for rule in self.rules if rule.confirm and rule.is_about(action, effect)), None)

    @property
    def confirms(self) -> bool:
        """Whether any rule has something wait for a yes."""
        return any(rule.confirm for rule in self.rules)

    @property
    def capping(self) -> tuple[Rule, ...]:
        """The rules that cap something."""
        return tuple(rule for rule in self.rules if rule.caps)


EVERYTHING = Policy()
"""No rules."""
