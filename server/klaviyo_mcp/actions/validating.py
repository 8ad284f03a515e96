"""JSON Schema, checked no further than an answer could tell: what is too large is told by its size, not looked into.

The rules are those of `jsonschema`; those that would look at everything before they say anything stop early here.
"""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.actions import formats
from klaviyo_mcp.loose_json import JSON, is_list

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

MOST_OF_FORM = 100
"""Errors that are looked for in each form that a value might have; the form meant is told by far fewer."""
LONGEST_FORMATTED = 10_000
"""Characters of a text that a format or pattern is held against, files in base64 excepted."""


def validator(schema: JSON) -> "Draft202012Validator":
    """What holds values against a schema. 65 ms at the first call, which start-up need not wait for."""
    return _kind()(schema, format_checker=formats.checker())


@cache
def _kind() -> "type[Draft202012Validator]":
    from jsonschema import Draft202012Validator, validators  # 65 ms at the first call instead of at start-up
    from jsonschema.exceptions import ValidationError

    rules: Any = Draft202012Validator.VALIDATORS

    def items(within: Any, rule: Any, value: Any, schema: JSON) -> "Iterator[ValidationError]":
        if not is_list(value) or len(value) <= schema.get("maxItems", len(value)):
            yield from rules["items"](within, rule, value, schema)

    def any_of(within: Any, forms: list[Any], value: Any, _: JSON) -> "Iterator[ValidationError]":
        context: list[ValidationError] = []
        for index, form in enumerate(forms):
            errors: list[ValidationError] = list(islice(within.descend(value, form, schema_path=index), MOST_OF_FORM))
            if not errors:
                return
            context += errors
        yield ValidationError("has none of the forms that are allowed", context=context)

    def of_text(name: str) -> Any:
        def check(within: Any, rule: Any, value: Any, schema: JSON) -> "Iterator[ValidationError]":
            if isinstance(value, str) and len(value) > LONGEST_FORMATTED and schema.get("format") != "base64":
                yield ValidationError("is too long to have the right form")
            else:
                yield from rules[name](within, rule, value, schema)

        return check

    bounded = {"items": items, "anyOf": any_of, "format": of_text("format"), "pattern": of_text("pattern")}
    return validators.extend(Draft202012Validator, bounded)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
