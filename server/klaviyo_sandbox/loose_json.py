"""One idiom for loose data: JSON whose form is not known until it is looked at."""

from typing import Any, TypeGuard

Json = dict[str, Any]
"""A JSON object: what a key holds is anything until it is asked."""


def is_object(value: object) -> TypeGuard[Json]:
    """Whether a value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is a JSON list."""
    return isinstance(value, list)


def mapping(value: object) -> Json:
    """The value if it is an object, else an empty one."""
    return value if is_object(value) else {}


def items(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if is_list(value) else []


def step_into(value: object, step: str | int) -> Any:
    """What an object holds under a key, or a list at an index; None for what is not there."""
    if is_object(value):
        return value.get(step) if isinstance(step, str) else None
    if is_list(value) and isinstance(step, int):
        return value[step] if step < len(value) else None
    return None
