"""The one gate, which every action passes: named by an agent, picked by a `choose`, run by a step, looked up by a rule.

What a server and an account allow at all is decided before anything else about a call is looked at.
"""

from dataclasses import dataclass

from klaviyo_mcp.accounts.permissions import Permissions
from klaviyo_mcp.actions.arguments import Checked, check_arguments
from klaviyo_mcp.actions.errors import NotPermitted, ScopeMissing
from klaviyo_mcp.actions.names import Exposes, everything, find_action
from klaviyo_mcp.actions.preconditions import check_preconditions
from klaviyo_mcp.registry.registry import Action, Registry


@dataclass(frozen=True, slots=True)
class Gate:
    """What a server lets through: the actions it exposes, and only reads where it is read-only."""

    registry: Registry
    exposes: Exposes = everything
    read_only: bool = False

    def admit(self, action: Action, given: object, access: Permissions | None, *, part: bool = False) -> Checked:
        """The checked arguments of an action that may run; nothing has been sent for it.

        `access` None leaves out what depends on the account. A `part` of an admitted action, or what a rule of it looks
        up, needs no exposure of its own, as its toolset may be another; everything else holds for it as for any.
        Raises UnknownAction, NotPermitted, ScopeMissing, InvalidArguments or PreconditionFailed, in this order.
        """
        if not part:
            find_action(self.registry, action.name, self.exposes)
        if self.read_only and self.registry.effect(action) != "read":
            raise NotPermitted(f"{action.name} changes data, and this server is read-only. Nothing was sent.")
        denial = access.denial(action.name, action.spec.scopes) if access else None
        if denial is not None:
            raise ScopeMissing(denial.reason, denial.scopes, denial.advice)
        checked = check_arguments(action, given)
        check_preconditions(action, checked.arguments)
        return checked
