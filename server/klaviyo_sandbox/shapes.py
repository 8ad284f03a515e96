"""What a JSON value must look like: the vocabulary for attributes and request bodies, and the check against it.

Every problem of a body is reported at once, each with its JSON pointer.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from klaviyo_sandbox.clock import parse_moment
from klaviyo_sandbox.errors import Problem, invalid_field
from klaviyo_sandbox.loose_json import is_list, is_object


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string, perhaps of a certain form or one of a few choices. Lengths are in characters.

    pattern: a regular expression that the whole of it must match
    spared_by: the field beside it that, when it is given, has a faulty value left out instead of refused
    """

    shortest: int = 0
    longest: int | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    spared_by: str = ""
    form: Literal["any", "email", "phone", "moment", "day"] = "any"
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number; `whole` excludes fractions, `choices` lists the only values allowed."""

    whole: bool = False
    choices: tuple[int, ...] = ()
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """true or false."""

    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A value of one of a few simple kinds: the value to compare a property with, say. A string has a least length."""

    kinds: tuple[Literal["string", "number", "boolean"], ...]
    shortest: int = 0
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinate:
    """A latitude or longitude, which Klaviyo takes as a number or as a string of one."""

    nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """An object with the caller's own keys, such as custom properties. Sparse fieldsets cannot look inside."""

    most: int | None = None
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A deep object kept as it is, such as a flow definition. Sparse fieldsets may name any path inside."""

    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Items:
    """An array of one shape, of `least` to `most` items. Under `lone`, a single item may stand for an array of it."""

    of: "Shape"
    most: int | None = None
    least: int = 0
    lone: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """An object with known keys and no others. Errors call it `named`, or else by the resource it is part of."""

    fields: Mapping[str, "Shape"]
    required: tuple[str, ...] = ()
    nullable: bool = False
    named: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """An object whose shape depends on the value of one of its keys."""

    by: str
    variants: Mapping[str, "Record | Choice"]
    default: str | None = None
    nullable: bool = False


Shape = Text | Number | Flag | Scalar | Coordinate | Free | Document | Items | Record | Choice

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
# Where whole numbers stop being exact in JSON.
_LARGEST_NUMBER = 2**53
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(slots=True)
class Check:
    """A check in progress: the resource whose name the messages use, and the problems found so far.

    dropped: pointers of faulty values that are left out; `drop` takes them out of what was checked
    """

    resource: str
    problems: list[Problem] = field(default_factory=list[Problem])
    dropped: list[str] = field(default_factory=list[str])

    def fail(self, pointer: str, detail: str) -> None:
        """Note a problem."""
        self.problems.append(invalid_field(pointer, detail))

    def drop(self, document: Any) -> None:
        """Take the dropped values out of the document that was checked."""
        for pointer in self.dropped:
            *path, name = pointer.split("/")[1:]
            holder = document
            for step in path:
                holder = holder[int(step) if isinstance(holder, list) else step]
            del holder[name]

    def value(self, shape: Shape, value: object, pointer: str) -> None:
        """Check `value`, found at `pointer`, against `shape`."""
        name = pointer.rsplit("/", 1)[-1]
        if value is None:
            if not shape.nullable:
                self.fail(pointer, f"'{name}' may not be null.")
            return
        match shape:
            case Text():
                self._text(shape, value, pointer, name)
            case Number():
                self._number(shape, value, pointer, name)
            case Flag():
                if not isinstance(value, bool):
                    self.fail(pointer, f"'{name}' must be a boolean.")
            case Scalar():
                self._scalar(shape, value, pointer, name)
            case Coordinate():
                if not _is_coordinate(value):
                    self.fail(pointer, f"'{name}' must be a number or a string containing one.")
            case Free() | Document():
                self._free(shape, value, pointer, name)
            case Items():
                self._items(shape, value, pointer, name)
            case Record():
                self._record(shape, value, pointer, name)
            case Choice():
                self._choice(shape, value, pointer, name)

    def _scalar(self, shape: Scalar, value: object, pointer: str, name: str) -> None:
        kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
        if kind not in shape.kinds or not isinstance(value, (str, int, float)):
            self.fail(pointer, f"'{name}' must be a {' or a '.join(shape.kinds)}.")
        elif isinstance(value, str) and len(value) < shape.shortest:
            self.fail(pointer, f"'{name}' must not be shorter than {shape.shortest} characters.")

    def _text(self, shape: Text, value: object, pointer: str, name: str) -> None:
        if not isinstance(value, str):
            self.fail(pointer, f"'{name}' must be a string.")
        elif shape.choices and value not in shape.choices:
            self.fail(pointer, f"'{value}' is not a valid value for '{name}'. Choose one of {list(shape.choices)}.")
        elif shape.longest is not None and len(value) > shape.longest:
            self.fail(pointer, f"'{name}' must not be longer than {shape.longest} characters.")
        elif len(value) < shape.shortest:
            self.fail(pointer, f"'{name}' must not be shorter than {shape.shortest} characters.")
        elif shape.pattern and not re.fullmatch(shape.pattern, value):
            self.fail(pointer, f"'{name}' must match regex '^{shape.pattern}$' ('{value}' doesn't)")
        elif shape.form == "email" and not (len(value) <= 100 and _EMAIL.fullmatch(value.strip())):
            self.fail(pointer, "Invalid email address")
        elif shape.form == "phone" and not _PHONE.fullmatch(value.strip()):
            self.fail(pointer, "Invalid phone number format (Example of a valid format: +12345678901)")
        elif shape.form == "moment" and parse_moment(value) is None:
            self.fail(pointer, f"'{name}' must be an ISO 8601 datetime, such as 2026-07-15T09:30:00+00:00.")
        elif shape.form == "day" and not (_DAY.fullmatch(value) and parse_moment(value)):
            self.fail(pointer, f"'{name}' must be a date, such as 2026-07-15.")

    def _number(self, shape: Number, value: object, pointer: str, name: str) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _LARGEST_NUMBER:
            self.fail(pointer, f"'{name}' must be a number.")
        elif shape.whole and int(value) != value:
            self.fail(pointer, f"'{name}' must be a whole number.")
        elif shape.choices and value not in shape.choices:
            self.fail(pointer, f"{value} is not a valid value for '{name}'. Choose one of {list(shape.choices)}.")

    def _free(self, shape: Free | Document, value: object, pointer: str, name: str) -> None:
        if not is_object(value):
            self.fail(pointer, f"'{name}' must be an object.")
        elif isinstance(shape, Free) and shape.most is not None and len(value) > shape.most:
            self.fail(pointer, f"'{name}' must not have more than {shape.most} properties.")

    def _items(self, shape: Items, value: object, pointer: str, name: str) -> None:
        if not is_list(value):
            if shape.lone:
                self.value(shape.of, value, pointer)
            else:
                self.fail(pointer, f"'{name}' must be an array.")
            return
        if shape.most is not None and len(value) > shape.most:
            self.fail(pointer, f"'{name}' must not have more than {shape.most} items.")
        elif len(value) < shape.least:
            self.fail(pointer, f"'{name}' must have at least {shape.least} item{'s' if shape.least > 1 else ''}.")
        else:
            for index, item in enumerate(value):
                self.value(shape.of, item, f"{pointer}/{index}")

    def _record(self, shape: Record, value: object, pointer: str, name: str) -> None:
        if not is_object(value):
            self.fail(pointer, f"'{name}' must be an object.")
            return
        resource = shape.named or self.resource
        for key, item in value.items():
            inner = shape.fields.get(key)
            if inner is None:
                self.fail(f"{pointer}/{key}", f"'{key}' is not a valid field for the resource '{resource}'.")
                continue
            before = len(self.problems)
            self.value(inner, item, f"{pointer}/{key}")
            if isinstance(inner, Text) and len(self.problems) > before and value.get(inner.spared_by) is not None:
                del self.problems[before:]
                self.dropped.append(f"{pointer}/{key}")
        for key in shape.required:
            if key not in value:
                self.fail(f"{pointer}/{key}", f"'{key}' is a required field for the resource '{resource}'.")

    def _choice(self, shape: Choice, value: object, pointer: str, name: str) -> None:
        if not is_object(value):
            self.fail(pointer, f"'{name}' must be an object.")
            return
        chosen = value.get(shape.by, shape.default)
        variant = shape.variants.get(chosen) if isinstance(chosen, str) else None
        if chosen is None:
            self.fail(f"{pointer}/{shape.by}", f"'{shape.by}' is a required field for the resource '{self.resource}'.")
        elif variant is None:
            names = list(shape.variants)
            self.fail(
                f"{pointer}/{shape.by}", f"'{chosen}' is not a valid value for '{shape.by}'. Choose one of {names}."
            )
        else:
            self.value(variant, value, pointer)


def _is_coordinate(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return False
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
