"""The one gate, which every action passes: named by an agent, picked by a `choose`, run by a step, looked up by a rule.

What a server and an account allow at all is decided before anything else about a call is looked at.
"""

from dataclasses import dataclass

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.errors import NotPermitted, ScopeMissing
from klaviyo_mcp.actions.names import Exposes, everything, find_action
from klaviyo_mcp.actions.policy import EVERYTHING, Policy
from klaviyo_mcp.actions.preconditions import check_preconditions
from klaviyo_mcp.actions.resuming import resume
from klaviyo_mcp.actions.settled import NOTHING, Settled
from klaviyo_mcp.actions.understood import Understood
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Action, Registry


@dataclass(frozen=True, slots=True)
class Admitted:
    """What was admitted: checked arguments, how they were understood, how many records were shown, and a part alone.

    `warnings` says what is wrong with it that keeps no call from being made.
    """

    arguments: JSON
    understood: Understood
    skip: int = 0
    part: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """What a server lets through: the actions it exposes, only reads where it is read-only, what its policy allows."""

    registry: Registry
    exposes: Exposes = everything
    read_only: bool = False
    policy: Policy = EVERYTHING

    def admit(
        self,
        action: Action,
        given: object,
        account: Account | None,
        *,
        part: bool = False,
        settled: Settled = NOTHING,
    ) -> Admitted:
        """The checked arguments of an action that may run; nothing has been sent for it.

        `account` None leaves out what depends on the account. A `part` of an admitted action, or what a rule looks up,
        needs no exposure of its own, as its toolset may be another; everything else holds for it as for any. `settled`
        is what was looked up for it.
        Raises UnknownAction, NotPermitted, RuleBroken, ScopeMissing, InvalidArguments or PreconditionFailed, in this
        order.
        """
        if not part:
            find_action(self.registry, action.name, self.exposes)
        self.permit(action, account)
        resumed = resume(action, given, account, settled)
        checked = check_arguments(action, resumed.arguments, settled)
        warnings = check_preconditions(action, checked.arguments, not_given=checked.understood.not_given)
        return Admitted(checked.arguments, checked.understood, resumed.skip, resumed.part, tuple(warnings))

    def permit(self, action: Action, account: Account | None) -> None:
        """Whether an action may run at all, whatever its arguments. Raises NotPermitted, RuleBroken or ScopeMissing."""
        if self.read_only and action.effect != "read":
            raise NotPermitted(f"{action.name} changes data, and this server is read-only. Nothing was sent.")
        self.policy.allow(action)
        denial = account.access.denial(action.name, action.spec.scopes) if account else None
        if denial is not None:
            raise ScopeMissing(denial.reason, denial.scopes, denial.advice)
