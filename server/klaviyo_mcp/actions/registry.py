"""All actions by name and alias, each with what is computed from its spec once."""

import difflib
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from klaviyo_mcp.actions import formats
from klaviyo_mcp.actions.errors import UnknownAction
from klaviyo_mcp.klaviyo.requests import Bucket
from klaviyo_mcp.loose_json import mapping
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.model import ActionSpec, HttpRequest, RateLimit

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

WINDOWS = {"s": 1, "m": 60, "d": 86_400}


class Action:
    """One action, ready to be called."""

    def __init__(self, spec: ActionSpec) -> None:
        """Cheap: what costs time is computed at first use."""
        self.spec = spec

    @property
    def name(self) -> str:
        """The action's own name."""
        return self.spec.name

    @cached_property
    def _validator(self) -> "Draft202012Validator":
        from jsonschema import Draft202012Validator  # 65 ms at the first call instead of at start-up

        # Unknown names are left to `arguments`, which suggests the nearest right one.
        schema = {key: value for key, value in self.spec.input_schema.items() if key != "additionalProperties"}
        return Draft202012Validator(_strict_patterns(schema), format_checker=formats.checker())

    @cached_property
    def filter_arguments(self) -> dict[str, str]:
        """The filterable fields that have an argument of their own, such as a campaign's channel."""
        form = mapping(self.http.query.get("filter")) if self.http else {}
        parts = [mapping(part) for part in form.get("$filter", [])]
        return {part["field"]: str(hole(part.get("value"))) for part in parts if part}

    @cached_property
    def has_read_only(self) -> bool:
        """Whether the schema has fields that may be given as they were read, and are never sent."""
        return "'readOnly': True" in str(self.spec.input_schema)

    def schema_errors(self, arguments: dict[str, Any]) -> "Iterator[ValidationError]":
        """Everything about the arguments that does not fit the schema."""
        return self._validator.iter_errors(arguments)  # pyright: ignore[reportUnknownMemberType]

    @cached_property
    def operation(self) -> str:
        """The operation whose quota the action uses."""
        return self.spec.operation or self.spec.name

    @cached_property
    def http(self) -> HttpRequest | None:
        """The request template, for an action that is one operation."""
        return self.spec.request if isinstance(self.spec.request, HttpRequest) else None

    def buckets(self, arguments: dict[str, object]) -> tuple[Bucket, ...]:
        """The quotas that a call with these arguments counts against."""
        limit = self.spec.rate_limit
        if limit is None:
            return ()
        extra = tuple(
            bucket
            for more in limit.extra
            if _holds(arguments.get(more.argument), more.contains)
            for bucket in _windows(more.bucket, more.burst, more.steady)
        )
        return self._own_buckets + extra

    @cached_property
    def _own_buckets(self) -> tuple[Bucket, ...]:
        limit: RateLimit | None = self.spec.rate_limit
        return _windows(self.operation, limit.burst, limit.steady, limit.daily) if limit else ()


class Registry:
    """The actions that exist, found by name or alias."""

    def __init__(self, specs: Iterable[ActionSpec]) -> None:
        """Actions keep the order of `specs`; a name wins over an alias of another action."""
        self.actions = [Action(spec) for spec in specs]
        self._by_name = {alias: action for action in self.actions for alias in action.spec.aliases}
        self._by_name.update({action.name: action for action in self.actions})

    def find(self, name: str) -> Action:
        """The action with this name or alias. Raises UnknownAction, which names what comes close."""
        if action := self._by_name.get(name):
            return action
        raise UnknownAction(name, self.near(name))

    def near(self, name: str) -> list[str]:
        """Up to three action names that look like `name`, aliases resolved to the actions' own names."""
        asked = name.lower().replace("-", "_").replace(" ", "_").removeprefix("klaviyo_")
        found = [asked] if asked in self._by_name else []
        found += difflib.get_close_matches(asked, self._by_name, n=3, cutoff=0.6)
        return list(dict.fromkeys(self._by_name[match].name for match in found))[:3]

    @property
    def toolsets(self) -> list[str]:
        """The names of all toolsets, sorted."""
        return sorted({action.spec.toolset for action in self.actions})


def _strict_patterns(schema: Any) -> Any:
    """A copy in which a pattern ends where the text ends: Python's `$` also matches before a final line break."""
    if isinstance(schema, list):
        return [_strict_patterns(part) for part in cast(list[Any], schema)]
    if not isinstance(schema, dict):
        return schema
    copied = {key: _strict_patterns(value) for key, value in cast(dict[str, Any], schema).items()}
    if isinstance(pattern := copied.get("pattern"), str) and pattern.endswith("$"):
        copied["pattern"] = f"{pattern[:-1]}\\Z"
    return copied


def _windows(name: str, *rates: str | None) -> tuple[Bucket, ...]:
    """`10/s` and its kin as buckets of one name."""
    parts = [rate.split("/") for rate in rates if rate]
    return tuple(Bucket(name, int(amount), WINDOWS[unit]) for amount, unit in parts)


def _holds(value: object, item: str) -> bool:
    return item in value if isinstance(value, list | str) else False
