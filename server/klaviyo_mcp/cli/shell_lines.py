"""What is typed into the shell, taken apart: an action with its arguments, or a question to the last answer."""

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.answers.querying import AGGREGATES
from klaviyo_mcp.cli.printing import Form, fields_of
from klaviyo_mcp.loose_json import JSON, is_object

FORMS: tuple[Form, ...] = ("table", "json", "csv", "jsonl", "text")
FLAGS = ("--all", "--preview", "--yes")
VALUED = ("--fields", "--output", "-o", "--json")
COMPARES = {
    "!=": "not-equals",
    ">=": "greater-or-equal",
    "<=": "less-or-equal",
    "=": "equals",
    ">": "greater-than",
    "<": "less-than",
    "~": "contains",
}
"""How a condition on a field is written, and read_more's own word for it."""
CONDITION = re.compile(r"([^!<>=~]+)(!=|>=|<=|=|>|<|~)(.*)", re.DOTALL)
LISTS = ("sort", "group-by", "fields", *AGGREGATES)
"""Options of a question that take names with commas; `limit`, `offset`, `list` and `part` take one value."""


class WrongLine(ValueError):
    """A line that is not understood; the message says what one looks like."""


@dataclass(slots=True)
class Line:
    """A call as it was typed: `sets` are NAME=VALUE words, `given` the JSON that stood there."""

    action: str
    given: JSON = field(default_factory=dict[str, Any])
    sets: list[str] = field(default_factory=list[str])
    options: dict[str, str] = field(default_factory=dict[str, str])
    flags: set[str] = field(default_factory=set[str])

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are wanted."""
        return fields_of(self.options.get("--fields", ""))


def is_unfinished(text: str) -> bool:
    """Whether more lines belong to it: JSON or quotes that are open, or a backslash at its end."""
    depth, quoted = 0, ""
    escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and quoted != "'":
            escaped = True
        elif quoted:
            quoted = "" if char == quoted else quoted
        elif char == "'" and depth > 0:
            continue  # an apostrophe in no text of JSON
        elif char in "\"'":
            quoted = char
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
    return depth > 0 or bool(quoted) or escaped


def read_call(text: str) -> Line:
    """A line that calls an action: `ACTION NAME=VALUE…`, or `ACTION {JSON}`. Raises WrongLine."""
    action, _, rest = text.strip().partition(" ")
    action, _, behind = action.partition("\n")
    rest = f"{behind}\n{rest}".strip() if behind else rest.strip()
    line = Line(action)
    if rest.startswith("{"):
        try:
            line.given, end = json.JSONDecoder().raw_decode(rest)
        except ValueError as error:
            raise WrongLine(f"This is not valid JSON: {error}.") from None
        except RecursionError:
            raise WrongLine("This is nested too deep.") from None
        rest = rest[end:]
    words = _words(rest)
    while words:
        word = words.pop(0)
        flag, equals, value = word.partition("=")
        if word in FLAGS:
            line.flags.add(word)
        elif flag in VALUED:
            if not equals and not words:
                raise WrongLine(f"{flag} needs a value.")
            line.options["--output" if flag == "-o" else flag] = value if equals else words.pop(0)
        elif word == "--set" and words:
            line.sets.append(words.pop(0))
        elif word.startswith("--"):
            raise WrongLine(f"There is no option {word}. There are: {', '.join((*FLAGS, *VALUED))}.")
        elif equals:
            line.sets.append(word)
        else:
            raise WrongLine(f"{word!r} sets nothing: write NAME=VALUE, or the arguments as {{JSON}}.")
    if "--json" in line.options:
        if line.given:
            raise WrongLine("The arguments stand there twice: write them as {JSON}, or with --json. Nothing was sent.")
        line.given = _object(line.options["--json"])
    return line


def read_question(text: str) -> tuple[JSON, dict[str, str]]:
    """A question to the last answer as read_more takes it, and how it is printed. Raises WrongLine.

    `_ status=draft --sort -created --limit 5 --fields id,name`, or `_ --group-by status --count`.
    """
    asked: JSON = {}
    options: dict[str, str] = {}
    words = _words(text)
    while words:
        word = words.pop(0)
        flag, equals, value = word.partition("=")
        if flag == "--count":
            asked["count"] = True
        elif flag.startswith("-"):
            name = flag.lstrip("-")
            if not equals and not words:
                raise WrongLine(f"{flag} needs a value.")
            value = value if equals else words.pop(0)
            if name in ("o", "output"):
                options["--output"] = value
            elif name in LISTS:
                asked[name.replace("-", "_")] = list(fields_of(value))
            elif name in ("limit", "offset"):
                asked[name] = _number(flag, value)
            elif name in ("list", "part"):
                asked[name] = value
            else:
                there = ", ".join(f"--{one}" for one in (*LISTS, "limit", "offset", "list", "part", "count", "output"))
                raise WrongLine(f"There is no option {flag}. There are: {there}.")
        elif condition := CONDITION.fullmatch(word):
            name, sign, compared = condition.groups()
            asked.setdefault("where", []).append(
                {"field": name, "operator": COMPARES[sign], "value": _value(compared, sign)}
            )
        else:
            raise WrongLine(f"{word!r} is no condition: write FIELD=VALUE, with {' '.join(COMPARES)}.")
    return asked, options


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise WrongLine(f"{error}.") from None


def _object(text: str) -> JSON:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongLine(f"--json is not valid JSON: {error}.") from None
    if not is_object(value):
        raise WrongLine("--json takes an object.")
    return value


def _number(flag: str, text: str) -> int:
    if not text.isdecimal():
        raise WrongLine(f"{flag} takes a number, not {text!r}.")
    return int(text)


def _value(text: str, sign: str) -> Any:
    """A number, true or false where it is one; a text is looked for as text."""
    if sign == "~":
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text
