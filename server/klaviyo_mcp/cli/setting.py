"""`--set NAME=VALUE`: words of a command line as the arguments of an action, typed by its schema.

Whether they fit is for the engine to say: what has no type here goes on as it was typed.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from klaviyo_mcp.actions.bounds import TooMuch
from klaviyo_mcp.actions.forms import types_of
from klaviyo_mcp.actions.unpacking import JSON_TYPES, unpacked
from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, mapping, objects
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.references import resolved
from klaviyo_mcp.registry.schema_form import schema_of

ALL_TYPES = {kind for kinds in JSON_TYPES.values() for kind in kinds}
DOT = re.compile(r"(?<!\\)\.")
"""A dot that leads deeper; `\\.` is one in a name."""


class WrongSetting(ValueError):
    """Words that set nothing; the message says what they should look like."""


class Settings:
    """Arguments as they are made, one word after the other. What is set again is a list of both where lists go."""

    def __init__(self, spec: ActionSpec | None, given: JSON) -> None:
        """`given` are those that there are already; `spec` is None where the action is not known."""
        self.arguments: JSON = json.loads(json.dumps(given))
        self._spec = spec
        self._set: set[str] = set()

    def add(self, word: str) -> None:
        """Take one `NAME=VALUE`. Raises WrongSetting."""
        name, equals, text = word.partition("=")
        if not equals or not name.strip("."):
            raise WrongSetting(f"--set takes NAME=VALUE, such as --set name=VIP, not {json.dumps(word)}.")
        self.put(name, value_from(name, text))

    def put(self, name: str, text: str) -> None:
        """Set one argument, or a part of one, to what a text stands for. Raises WrongSetting."""
        schema = self._schema(name)
        try:
            value = typed(text, schema, self._definitions)
        except TooMuch as error:
            raise WrongSetting(f"--set {name}: {error}.") from None
        parts = [part.replace("\\.", ".") for part in DOT.split(name)]
        again, lists = name in self._set, "array" in kinds_of(schema, self._definitions)
        self._set.add(name)
        inside, last = self._inside(name, parts), parts[-1]
        if again and not lists:
            raise WrongSetting(f"--set {name} is given twice, and takes one value.")
        if again:
            before = _at(inside, last)
            value = [*(before if is_list(before) else [before]), *(value if is_list(value) else [value])]
        _put(inside, last, value)

    def _inside(self, name: str, parts: list[str]) -> Any:
        """The object or list that holds what is named, made where there is none."""
        here: Any = self.arguments
        for at, part in enumerate(parts):
            above = ".".join(parts[:at])
            if is_list(here):
                if not part.isdecimal() or int(part) > len(here):
                    raise WrongSetting(
                        f"--set {name}: {above} is a list of {len(here)}; go on with {above}.{len(here)}"
                    )
            elif not is_object(here):
                raise WrongSetting(f"--set {name}: {above} is {json.dumps(here)[:40]}, which has no parts.")
            if at == len(parts) - 1:
                break
            if _at(here, part) is None:
                listed = parts[at + 1].isdecimal() and self._is_list(parts[: at + 1])
                _put(here, part, list[Any]() if listed else dict[str, Any]())
            here = _at(here, part)
        return here

    def _is_list(self, parts: list[str]) -> bool:
        return "array" in kinds_of(self._schema(".".join(parts)), self._definitions)

    @property
    def _definitions(self) -> JSON:
        return mapping(self._spec.plain_schema.get("$defs")) if self._spec else {}

    def _schema(self, name: str) -> JSON:
        """What the spec says of a place; nothing of one that it does not have."""
        if self._spec is None:
            return {}
        named = DOT.split(name)
        path = ".".join(part for part in named if not part.isdecimal())
        try:
            found = schema_of(self._spec, path)
        except KeyError:
            return {}
        # profiles.0 is an item of a list, which the schema has no name of its own for.
        return item_of(found, self._definitions) if named[-1].isdecimal() else found


def _at(inside: Any, part: str) -> Any:
    """A part of an object or a list, None where there is none."""
    if is_list(inside):
        return inside[int(part)] if int(part) < len(inside) else None
    return mapping(inside).get(part)


def _put(inside: Any, part: str, value: Any) -> None:
    """Set a part of an object or a list, whose end is the place behind its last item."""
    if is_list(inside):
        inside[int(part) : int(part) + 1] = [value]
    else:
        inside[part] = value


def typed(text: str, schema: JSON, definitions: JSON) -> Any:
    """The value that a text stands for where a schema has it: JSON where that fits, else the text, alone in a list.

    What is text by its schema stays as it is written, and what has no schema is JSON where it is some. Raises TooMuch.
    """
    kinds = kinds_of(schema, definitions)
    if kinds == {"string"}:
        return text
    value = unpacked(text, kinds or ALL_TYPES)
    if value is not text or not kinds or "string" in kinds or "array" not in kinds:
        return value
    return [typed(text, item_of(schema, definitions), definitions)]


def kinds_of(schema: JSON, definitions: JSON) -> set[str]:
    """The types that a schema allows in any of its forms, but null; none where it says nothing."""
    schema = resolved(schema, definitions)
    found = types_of(schema) - {"null"}
    for form in (*objects(schema.get("anyOf")), *objects(schema.get("oneOf"))):
        found |= kinds_of(form, definitions)
    if not found and "enum" in schema:
        found = {"string"} if all(isinstance(value, str) for value in schema["enum"]) else found
    return found


def item_of(schema: JSON, definitions: JSON) -> JSON:
    """The schema of what a list holds."""
    schema = resolved(schema, definitions)
    if "items" in schema:
        return mapping(schema["items"])
    forms = (*objects(schema.get("anyOf")), *objects(schema.get("oneOf")))
    return next((found for form in forms if (found := item_of(form, definitions))), dict[str, Any]())


def choices_of(schema: JSON, definitions: JSON) -> list[Any]:
    """The values that an argument, or an item of one that is a list, can have; none where it may be anything."""
    inner = resolved(mapping(schema.get("items")), definitions)
    return [value for value in items(schema.get("enum")) or items(inner.get("enum")) if value is not None]


def value_from(name: str, text: str) -> str:
    """A text, or what the file `@PATH` or stdin (`-`) holds; `@@` is an @. Raises WrongSetting."""
    if text == "-":
        return _read(name, None)
    if text.startswith("@@"):
        return text[1:]
    return _read(name, Path(text[1:]).expanduser()) if text.startswith("@") else text


def _read(name: str, path: Path | None) -> str:
    try:
        text = sys.stdin.read() if path is None else path.read_text("utf-8-sig")
    except UnicodeError:
        raise WrongSetting(f"{name}: {path or 'stdin'} is not text in UTF-8.") from None
    except OSError as error:
        hint = " For a text that begins with @ write @@." if name != "--json" else ""
        raise WrongSetting(f"{name}: {path} cannot be read ({error.strerror}).{hint}") from None
    # The end of the only line is the file's, and no part of a name or an id.
    return text.rstrip("\r\n") if text.count("\n") == 1 and text.endswith("\n") else text


def arguments_of(spec: ActionSpec | None, as_json: str, sets: Iterable[str]) -> Any:
    """The arguments of a call: a JSON object, and what is set over it. Raises WrongSetting."""
    text = value_from("--json", as_json)
    try:
        given = json.loads(text)
    except RecursionError:
        raise WrongSetting("--json is nested too deep.") from None
    except ValueError as error:
        example = '--json \'{"email": "a@example.org"}\', or --set email=a@example.org'
        raise WrongSetting(f"--json is not valid JSON: {error}. Example: {example}") from None
    words = list(sets)
    if not words:
        return given
    if not is_object(given):
        raise WrongSetting("--set goes with a --json that is an object, or alone.")
    stdin = [word for word in words if word.endswith("=-")]
    if len(stdin) + (as_json == "-") > 1:
        raise WrongSetting("stdin can be read once: only one of --json and --set may be '-'.")
    made = Settings(spec, given)
    for word in words:
        made.add(word)
    return made.arguments
