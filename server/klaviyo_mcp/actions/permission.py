"""What a server and an account let a caller do at all, decided before anything else about a call is looked at."""

from collections.abc import Sequence
from typing import Protocol

from klaviyo_mcp.actions.errors import NotPermitted, ScopeMissing
from klaviyo_mcp.actions.registry import Action
from klaviyo_mcp.klaviyo.errors import PermissionDenied


class Denial(Protocol):
    """Why an action cannot succeed for an account."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that are missing, where they are known."""
        ...

    @property
    def reason(self) -> str:
        """What is wrong, as a sentence."""
        ...

    @property
    def advice(self) -> str:
        """How to mend it."""
        ...


class Access(Protocol):
    """What an account's credentials are known to allow. Which kind they are is the account's business."""

    def denial(self, action: str, needed: Sequence[str]) -> Denial | None:
        """Why an action with these scopes would be refused, None when nothing is known against it."""
        ...

    async def learn(self, action: str, needed: Sequence[str], error: PermissionDenied) -> None:
        """Take note of a refusal by Klaviyo."""
        ...


def check_permitted(action: Action, *, read_only: bool) -> None:
    """Raises NotPermitted for an action that changes something on a read-only server."""
    if read_only and action.spec.effect != "read":
        raise NotPermitted(f"{action.name} changes data, and this server is read-only. Nothing was sent.")


def check_access(action: Action, access: Access) -> None:
    """Raises ScopeMissing when the account is known not to have what the action needs."""
    denial = access.denial(action.name, action.spec.scopes)
    if denial is not None:
        raise ScopeMissing(denial.reason, denial.scopes, denial.advice)
