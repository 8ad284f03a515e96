"""An agent's arguments, checked against the schema: every problem at once, each with the way to mend it.

What is written otherwise than the schema asks for, and can mean one thing only, is read as that and told back.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.actions.absent import Absent, nothing_given
from klaviyo_mcp.actions.argument_names import is_exact, named
from klaviyo_mcp.actions.body_conditions import check_conditions
from klaviyo_mcp.actions.bounds import TooMuch, check_bounds
from klaviyo_mcp.actions.clearing import emptied, not_emptied
from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.explain import explain, unknown_name
from klaviyo_mcp.actions.filter_argument import check_filter
from klaviyo_mcp.actions.filter_reading import read_filter, unpacked_filter
from klaviyo_mcp.actions.formats import checker, checks
from klaviyo_mcp.actions.grouping import MOST_PROBLEMS, grouped
from klaviyo_mcp.actions.quick_validity import QuickValidity
from klaviyo_mcp.actions.read_only import without_read_only
from klaviyo_mcp.actions.reading import NOT_GIVEN, Reader, told
from klaviyo_mcp.actions.settled import NOTHING, Settled
from klaviyo_mcp.actions.sparse import check_fields
from klaviyo_mcp.actions.understood import Understood
from klaviyo_mcp.actions.unpacking import may_be_packed, unpacked
from klaviyo_mcp.actions.validating import validator
from klaviyo_mcp.klaviyo.jsonapi import cursor_in
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, checked_json, is_list, is_object, mapping
from klaviyo_mcp.registry.holes import path_holes
from klaviyo_mcp.registry.registry import Action

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

MOST_EXPLAINED = 5_000
"""What may be spent on explaining one call's arguments: 1 for an error, FORM_COST for each within a form."""
MOST_FOUND = 1_000
"""Problems that are found before the rest is left; those of many rows are told as one."""
FORM_COST = 4
MAY_BE_PACKED = re.compile(rb'"(?:[\[{\\\s]|\xc2[\x85\xa0]|\xe1\x9a|\xe2[\x80\x81]|\xe3\x80)')
"""Where a text in JSON begins with a bracket, a brace, an escape or one of the blanks of Unicode, in UTF-8."""
MOST_READ = 1_000
"""What may be spent on finding values that may be read otherwise than they are written, counted likewise."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Arguments that fit, with null for what they clear, and how they were understood."""

    arguments: JSON
    understood: Understood


def check_arguments(action: Action, given: object, settled: Settled = NOTHING) -> Checked:
    """The arguments as the engine uses them: by their names, unpacked from strings, cursor and filter made plain.

    What is named in place of an id, and was looked up, is `settled`.

    Raises InvalidArguments with every problem found, equal ones together, and no more of them than can be read.
    """
    try:
        given, glance = _as_object(action, given)
        names = named(action, given)
        reading = _read(action, names.arguments, glance)
    except TooMuch as error:
        problem = Problem("", f"they hold {error}", "Send less at once, as plain JSON")
        raise InvalidArguments(
            f"{action.name} was not called: its arguments cannot be looked at.", (problem,)
        ) from None
    arguments, read_as = reading.arguments, reading.read_as
    problems = [unknown_name(name, list(action.spec.properties)) for name in names.unknown] + names.problems
    found, cut = ([], False) if reading.fits else _explained(action, arguments)
    while (with_ids := settled.put_into(arguments, found)) != arguments:
        arguments = with_ids
        found, cut = _explained(action, arguments)
    problems += found
    faulty = {problem.argument.split(".")[0].split("[")[0] for problem in problems}
    if isinstance(cursor := arguments.get("cursor"), str):
        arguments["cursor"] = cursor_in(cursor)
    if "filter" in arguments and "filter" not in faulty and "filter" in action.spec.properties:
        arguments["filter"], found = check_filter(
            arguments["filter"],
            action.spec.filters,
            {field: name for field, name in action.filter_arguments.items() if name in arguments},
            settled,
        )
        problems += found
        if "filter" in read_as:
            read_as["filter"] = arguments["filter"]
    if "fields" in arguments and "fields" not in faulty and action.spec.fields_argument:
        arguments["fields"], found = check_fields(action, arguments["fields"])
        problems += found
    if (rule := action.spec.body_conditions) and rule.argument not in faulty:
        told_of, found = check_conditions(rule, arguments)
        read_as |= told_of
        problems += found
    if action.http is not None:
        problems += [
            Problem(name, f"{arguments[name]!r} cannot stand in a path", "Give the id itself")
            for name in path_holes(action.http.path)
            if name in arguments and name not in faulty and str(arguments[name]).strip() in ("", ".", "..")
        ]
    arguments, cleared, found = emptied(action, arguments)
    if problems := problems + found:
        found = [_with_source(problem, action) for problem in dict.fromkeys(problems)]
        many = "1 problem" if len(found) == 1 else f"{'more than ' if cut else ''}{len(found)} problems"
        raise InvalidArguments(f"{action.name} was not called: {many} with its arguments.", grouped(found, cut=cut))
    if action.has_read_only:
        arguments = without_read_only(arguments, action.spec.input_schema)
    not_given = not_emptied(action, reading.nulls)
    understood = Understood(told({**names.read_as, **read_as}), cleared, not_given, tuple(names.left_out))
    return Checked(arguments, understood)


def _explained(action: Action, arguments: JSON) -> tuple[list[Problem], bool]:
    """What does not fit the schema, in words, and whether there is more than was looked at."""
    definitions = mapping(_schema(action).get("$defs"))
    problems: list[Problem] = []
    cost = 0
    for error in _schema_errors(action, arguments):
        problems += explain(error, definitions)
        # Forms are tried one by one, and each that does not fit is an error of its own, with more inside.
        cost += 1 + FORM_COST * len(error.context or ())
        if cost > MOST_EXPLAINED or len(problems) > MOST_FOUND:
            return problems, True
    return problems, False


def _with_source(problem: Problem, action: Action) -> Problem:
    """A problem whose list of allowed values was cut, with the address of all of them."""
    if not re.search(r" and \d+ more$", problem.fix):
        return problem
    path = re.sub(r"\[\d+\]", "", problem.argument)
    return replace(problem, fix=f"{problem.fix}; all of them: klaviyo://actions/{action.name}/schema/{path}")


def _as_object(action: Action, given: object) -> tuple[JSON, "_Glance"]:
    """The arguments as one JSON object that can be sent. Raises InvalidArguments for anything else."""
    if isinstance(given, str):
        given = unpacked(given, {"object"})
    if given is None:
        given = {}
    if not is_object(given):
        problem = Problem("", "the arguments must be one JSON object", "Send them as {name: value}")
        raise InvalidArguments(f"The arguments of {action.name} are not an object.", (problem,))
    check_bounds(action, given)
    try:
        return given, _Glance.at(given)
    except (TypeError, ValueError):
        names = [name for name in given if not _is_json({name: given[name]})]
        problems = tuple(
            Problem(one_line(str(name), 100), "holds half a character, or what is not JSON", "Send plain JSON")
            for name in names[:MOST_PROBLEMS]
        )
        raise InvalidArguments(f"The arguments of {action.name} cannot be written as JSON.", problems) from None


def _is_json(given: JSON) -> bool:
    try:
        _Glance.at(given)
    except (TypeError, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Glance:
    """What the JSON of arguments can hold, by its letters: so most calls need not be walked through for it.

    `nothing` is null or empty text, `packed` a text that begins as JSON or with a blank.
    """

    nothing: bool
    packed: bool

    @classmethod
    def at(cls, given: JSON) -> "_Glance":
        """Raises TypeError and ValueError for what is no JSON."""
        nothing = packed = False
        for piece in checked_json(given):
            nothing = nothing or b"null" in piece or b'""' in piece
            packed = packed or MAY_BE_PACKED.search(piece) is not None
        return cls(nothing, packed)


@dataclass(frozen=True, slots=True)
class _Read:
    """Arguments without what says nothing, read as what they must mean: given place to meaning, and where null was.

    `fits` is true where they are known to fit the schema as they are.
    """

    arguments: JSON
    read_as: JSON
    nulls: Iterable[str]
    fits: bool = False


def _read(action: Action, given: JSON, glance: _Glance) -> _Read:
    """The arguments, with those that do not fit as they were written read otherwise, where that can mean one thing."""
    schema, read_as = _schema(action), dict[str, Any]()
    nothing = nothing_given(action, given)
    absent = Absent(
        mapping(schema.get("$defs")), frozenset(action.spec.clearing.null_counts), action.spec.effect == "destructive"
    )
    arguments: JSON = {name: given[name] for name in given if name not in nothing}
    if glance.nothing:
        arguments = absent.without(arguments, schema)
    found = _Read(arguments, read_as, absent.nulls)
    if "filter" in arguments and action.spec.filters:
        arguments["filter"] = unpacked_filter(arguments["filter"])
    wrong = {name for name, value in arguments.items() if glance.packed and may_be_packed(value)}
    cost, fits = 0, not wrong
    for error in _schema_errors(action, arguments):
        wrong |= {str(part) for part in list(error.absolute_path)[:1]}
        cost, fits = cost + 1 + FORM_COST * len(error.context or ()), False
        if cost > MOST_READ:
            return found  # so many errors are no slip of writing, and to try each otherwise would take seconds
    if action.spec.filters and "filter" in arguments and not is_exact(action, "filter"):
        conditions = read_filter(arguments["filter"], action.spec.filters)
        if conditions != arguments["filter"]:
            arguments["filter"] = read_as["filter"] = conditions
    for name in [name for name in arguments if name in wrong]:
        reader = Reader(absent, partial(_fits, action), is_exact(action, name))
        value = reader.property(arguments[name], schema["properties"][name], name)
        if value is NOT_GIVEN:
            del arguments[name]
        else:
            arguments[name] = value
        read_as |= reader.read_as
    return replace(found, fits=fits and not read_as)


def _fits(action: Action, value: Any, schema: JSON) -> bool:
    """Whether a value is valid against a part of the action's schema, once what it names has been looked up."""
    whole = _validator(action)
    part = {**schema, "$defs": mapping(_schema(action).get("$defs"))}
    return whole.evolve(schema=part, format_checker=checker(names=True)).is_valid(value)  # pyright: ignore[reportUnknownMemberType]


def _schema_errors(action: Action, arguments: JSON) -> "Iterator[ValidationError]":
    """Everything about the arguments that does not fit the action's schema."""
    if _quick(action).fits(arguments):
        return iter(())
    return _validator(action).iter_errors(arguments)  # pyright: ignore[reportUnknownMemberType]


@cache
def _quick(action: Action) -> QuickValidity:
    return QuickValidity(_schema(action), checks())


@cache
def _validator(action: Action) -> "Draft202012Validator":
    return validator(_schema(action))


@cache
def _schema(action: Action) -> JSON:
    """What arguments are held against: null has been taken out before, and patterns end where the text ends."""
    # Unknown names are left to `check_arguments`, which suggests the nearest right one.
    schema = {key: value for key, value in action.spec.plain_schema.items() if key != "additionalProperties"}
    return _strict_patterns(schema)


def _strict_patterns(schema: Any) -> Any:
    """A copy in which a pattern ends where the text ends: Python's `$` also matches before a final line break."""
    if is_list(schema):
        return [_strict_patterns(part) for part in schema]
    if not is_object(schema):
        return schema
    copied = {key: _strict_patterns(value) for key, value in schema.items()}
    if isinstance(pattern := copied.get("pattern"), str) and pattern.endswith("$"):
        copied["pattern"] = f"{pattern[:-1]}\\Z"
    return copied
