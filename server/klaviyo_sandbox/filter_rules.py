"""What a filter may ask for beyond its grammar: what depends on the time, on the order, and on what exists.

That Klaviyo refuses these is known from users' reports; the wording is the sandbox's own.
"""

from klaviyo_sandbox.calls import Call
from klaviyo_sandbox.declare import Lookup, Operation
from klaviyo_sandbox.errors import invalid_parameter


def check_filters(call: Call) -> None:
    """Hold the filters of a request against the rules its operation declares. Raises ApiError (400)."""
    operation = call.operation
    for where in call.query.filters:
        name = where.field
        if operation.past_only and _is_time(operation, name) and any(bound > call.micros for bound in where.parameters):
            raise invalid_parameter("filter", f"The value for '{name}' must not be in the future.")
        if operation.sorted_by_date and _is_time(operation, name) and call.query.sorted_by not in ("", name):
            detail = f"A filter on '{name}' can only be sorted by '{name}', not by '{call.query.sorted_by}'."
            raise invalid_parameter("sort", detail)
        kind = operation.existing.get(name)
        if kind is None:
            continue
        for identifier in where.parameters:
            if call.store.get(call.account, kind, identifier) is None:
                raise invalid_parameter("filter", f"'{identifier}' is not the id of a {kind}.")


def _is_time(operation: Operation, name: str) -> bool:
    """Whether a field is a moment, or counts the seconds to one."""
    return operation.filters[name].kind == "moment" or operation.lookups.get(name, Lookup()).unit > 0
