"""What a server lets its callers do at all, decided before anything else about a call is looked at."""

from klaviyo_mcp.actions.errors import NotPermitted
from klaviyo_mcp.actions.registry import Action


def check_permitted(action: Action, *, read_only: bool) -> None:
    """Raises NotPermitted for an action that changes something on a read-only server."""
    if read_only and action.spec.effect != "read":
        raise NotPermitted(f"{action.name} changes data, and this server is read-only. Nothing was sent.")
