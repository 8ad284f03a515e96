"""The rules of the spec format that one file's model cannot check alone: across files, and between the parts of a file.

Whether examples validate and build is checked where requests are built, in `actions.rehearsal`.
"""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from klaviyo_mcp.authoring.effects import effect_problems
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.errors import SpecError, SpecProblem
from klaviyo_mcp.registry.holes import hole, holes, path_holes
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.loading import LineNumbers, compose, load_file, spec_files
from klaviyo_mcp.registry.model import (
    NAME_RULES,
    ActionSpec,
    ChooseRequest,
    HttpRequest,
    Lookup,
    Precondition,
    StepsRequest,
)

FIRST_LINE = "# yaml-language-server: $schema=../../docs/action.schema.json"
ENGINE_ARGUMENTS = {"max_records"}
"""Arguments that the engine itself uses, and that therefore reach no hole."""

NAME_LIKE = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")


def check_folder(folder: Path, error_codes: set[str]) -> tuple[list[ActionSpec], list[SpecProblem]]:
    """Load and check every spec of a folder. `error_codes` are the codes that `advice` may speak of."""
    loaded: list[tuple[Path, ActionSpec]] = []
    problems: list[SpecProblem] = []
    for path in spec_files(folder):
        problems += _file_rules(path)
        try:
            loaded.append((path, load_file(path)))
        except SpecError as error:
            problems += error.problems
    specs = [spec for _, spec in loaded]
    if not specs and not problems:
        problems.append(SpecProblem(str(folder), 0, "holds no spec files (looked for <toolset>/<action>.yaml)"))
    by_name = {spec.name: spec for spec in specs}
    problems += _names_clash(folder, specs)
    for path, spec in loaded:
        lines = LineNumbers(path)
        for key, message in _spec_rules(spec, by_name, error_codes):
            problems.append(SpecProblem(str(path), lines.of(key), message))
    problems += [SpecProblem(str(file_of(folder, spec)), 0, message) for spec, message in effect_problems(specs)]
    return specs, sorted(problems, key=lambda problem: (problem.file, problem.line))


def file_of(folder: Path, spec: ActionSpec) -> Path:
    """The file that describes an action."""
    return folder / spec.toolset / f"{spec.name}.yaml"


def _file_rules(path: Path) -> Iterator[SpecProblem]:
    import yaml

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return  # loading reports it
    if text.partition("\n")[0] != FIRST_LINE:
        yield SpecProblem(str(path), 1, f"the first line must be: {FIRST_LINE}")
    try:
        root = compose(text)
    except yaml.YAMLError:
        return  # loading reports it
    if not isinstance(root, yaml.MappingNode):
        return  # so does this
    yield from _repeated_keys(path, root)
    name = next((value.value for key, value in root.value if key.value == "name"), None)
    if name is not None and name != path.stem:
        yield SpecProblem(str(path), 1, f"the file is named {path.stem!r} and the action {name!r}; they must agree")


def _repeated_keys(path: Path, node: Any, above: tuple[int, ...] = ()) -> Iterator[SpecProblem]:
    import yaml

    if id(node) in above:
        return  # an anchor that holds itself; the model refuses it
    above = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in cast(list[tuple[Any, Any]], node.value):
            if key.value in seen:
                yield SpecProblem(str(path), key.start_mark.line + 1, f"the key {key.value!r} stands here twice")
            seen.add(key.value)
            yield from _repeated_keys(path, value, above)
    elif isinstance(node, yaml.SequenceNode):
        for value in cast(list[Any], node.value):
            yield from _repeated_keys(path, value, above)


def _names_clash(folder: Path, specs: list[ActionSpec]) -> Iterator[SpecProblem]:
    owners: dict[str, ActionSpec] = {}
    for spec in specs:
        if (other := owners.get(spec.name)) is not None:
            yield SpecProblem(str(file_of(folder, spec)), 1, f"{spec.name!r} is also in toolset {other.toolset!r}")
        owners[spec.name] = spec
    for spec in specs:
        for alias in spec.aliases:
            other = owners.get(alias)
            if other is not None:
                what = "itself" if other is spec else f"with {other.name!r}"
                yield SpecProblem(str(file_of(folder, spec)), 1, f"the alias {alias!r} clashes {what}")
            owners[alias] = spec


Found = Iterator[tuple[tuple[int | str, ...], str]]
"""Where in the file, and what is wrong there."""


def _spec_rules(spec: ActionSpec, by_name: dict[str, ActionSpec], error_codes: set[str]) -> Found:
    yield from _words(spec, by_name)
    yield from _schema(spec)
    yield from _reach(spec)
    yield from _references(spec, by_name)
    for code in spec.advice:
        if code not in error_codes:
            yield ("advice", code), f"{code!r} is no error code; there are: {', '.join(sorted(error_codes))}"
    if spec.effect != "read" and "preconditions" not in spec.model_fields_set:
        yield ("effect",), "a write says which preconditions it has, or 'preconditions: []' when it has none"
    if not spec.examples:
        yield ("name",), "there is no example"
    if isinstance(spec.request, HttpRequest):
        if (spec.request.method == "GET") and spec.effect != "read":
            yield ("effect",), "a GET changes nothing: its effect is 'read'"
        if spec.rate_limit is None:
            yield ("request",), "an operation needs its rate_limit"
        if spec.operation is None:
            yield ("name",), "an action that is one operation names it: 'operation: …'"
        if spec.request.path.startswith("/api/") and not spec.scopes:
            yield ("name",), "an operation of the private API needs its scopes"
    elif spec.operation is not None:
        yield ("operation",), "an action made of others has no operation of its own"


def _words(spec: ActionSpec, by_name: dict[str, ActionSpec]) -> Found:
    if not spec.summary.endswith("."):
        yield ("summary",), "a summary is a sentence and ends with a full stop"
    if spec.title.endswith("."):
        yield ("title",), "a title has no full stop"
    names = {name for other in by_name.values() for name in other.names}
    known = (
        names | _argument_names(spec.input_schema) | {"duplicate_profile_id", "next_cursor", "retry_at", "next_step"}
    )
    texts: list[tuple[tuple[int | str, ...], str]] = [
        (("summary",), spec.summary),
        (("description",), spec.description),
    ]
    texts += [(("advice", code), text) for code, text in spec.advice.items()]
    texts += [(("preconditions", index), rule.hint or "") for index, rule in enumerate(spec.preconditions)]
    texts += [(("result",), spec.result.note or "")]
    for where, text in texts:
        for word in NAME_LIKE.findall(text):
            if word not in known and _looks_like_action(word):
                yield where, f"speaks of {word!r}, and there is no action or argument of this name"


def _looks_like_action(word: str) -> bool:
    verbs = ("get", "create", "update", "delete", "bulk", "add", "remove", "send", "cancel", "query", "refresh", "tag")
    return word.split("_")[0] in verbs


def _argument_names(schema: Any) -> set[str]:
    """The names of all properties at any depth."""
    if isinstance(schema, list):
        return {name for part in cast(list[Any], schema) for name in _argument_names(part)}
    if not isinstance(schema, dict):
        return set()
    mapping = cast(dict[str, Any], schema)
    own = set(cast(dict[str, Any], mapping.get("properties", {})))
    return own | {name for value in mapping.values() for name in _argument_names(value)}


def _schema(spec: ActionSpec) -> Found:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    schema = spec.input_schema
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield ("input_schema", *error.absolute_path), f"not a valid JSON Schema: {error.message[:200]}"
        return
    yield from _misspelt(schema)
    yield from _unknown_formats(schema)
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        yield ("input_schema",), "the root needs 'type: object' and 'additionalProperties: false'"
    for key in ("oneOf", "anyOf", "allOf", "$ref"):
        if key in schema:
            yield ("input_schema", key), f"clients reject {key} at the root; use preconditions"
    for name in spec.required:
        if name not in spec.properties:
            yield ("input_schema", "required"), f"requires {name!r}, which is not among the properties"
    for name, part in spec.properties.items():
        if not NAME_RULES["argument"].match(name):
            yield ("input_schema", "properties", name), f"{name!r} is not a plain argument name (a-z, 0-9 and _)"
        for inner in _argument_names(part):
            if not NAME_RULES["property"].match(inner):
                yield ("input_schema", "properties", name), f"clients reject the key {inner!r}"
    if "filter" in spec.properties and not spec.filters:
        yield ("input_schema", "properties", "filter"), "a filter needs the table 'filters' of what can be filtered by"
    if spec.filters and "filter" not in spec.properties:
        yield ("filters",), "there is no argument 'filter' to use this table"
    if spec.result.paged and "cursor" not in spec.properties:
        yield ("result", "paged"), "a paged result needs the argument 'cursor'"
    if spec.result.paged != ("max_records" in spec.properties):
        yield ("result",), "'max_records' goes with a paged result, and a paged result with 'max_records'"


KEYWORDS = [
    "$comment",
    "$defs",
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contentEncoding",
    "default",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "propertyNames",
    "readOnly",
    "required",
    "type",
    "uniqueItems",
]
"""What an input schema may say; a misspelt keyword would be ignored by every validator."""


def _misspelt(schema: dict[str, Any]) -> Found:
    for keyword in dict.fromkeys(_keywords(schema)):
        if keyword not in KEYWORDS:
            near = difflib.get_close_matches(keyword, KEYWORDS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield ("input_schema",), f"{keyword!r} is no keyword of JSON Schema that is used here{hint}"


FORMATS = [*ID_FORMS, "base64", "date", "date-time", "email", "phone", "time", "uri"]
"""The forms of text that an input schema may ask for; one that is not known would not be checked."""


def _unknown_formats(schema: Any) -> Found:
    for part in _objects(schema):
        name = part.get("format")
        if isinstance(name, str) and "type" in part and name not in FORMATS:
            near = difflib.get_close_matches(name, FORMATS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield ("input_schema",), f"{name!r} is no format that is known here{hint}"


def _objects(value: object) -> Iterator[JSON]:
    """Every object inside a value, itself included."""
    inner = value.values() if is_object(value) else value if is_list(value) else ()
    if is_object(value):
        yield value
    for part in inner:
        yield from _objects(part)


def _keywords(schema: Any) -> Iterator[str]:
    """Every keyword of a schema at any depth, without the names of properties and definitions."""
    if not isinstance(schema, dict):
        return
    for key, value in cast(dict[str, Any], schema).items():
        yield key
        if key in ("properties", "$defs"):
            for inner in cast(dict[str, Any], value).values():
                yield from _keywords(inner)
        elif key in ("anyOf", "oneOf", "allOf"):
            for inner in cast(list[Any], value):
                yield from _keywords(inner)
        elif key in ("items", "additionalProperties", "propertyNames"):
            yield from _keywords(value)


def _reach(spec: ActionSpec) -> Found:
    """Every hole has an argument, and every argument reaches a hole."""
    arguments = set(spec.properties)
    request = spec.request
    steps: set[str] = set()
    if isinstance(request, HttpRequest):
        used = [*path_holes(request.path), *holes(request.query), *holes(request.body), *holes(request.multipart or {})]
        used += holes(request.headers)
        for name in path_holes(request.path):
            if name in arguments and name not in spec.required:
                yield ("input_schema",), f"{name!r} stands in the path, so it is required"
    elif isinstance(request, ChooseRequest):
        used = [request.choose[1:], *holes({key: choice.arguments for key, choice in request.among.items()})]
        allowed = spec.properties.get(request.choose[1:], {}).get("enum")
        if allowed != list(request.among):
            yield ("request", "among"), f"the values of {request.choose[1:]!r} must be an enum of exactly these keys"
    else:
        steps = {step.name for step in request.steps}
        used = [*holes(request.answer), *_step_holes(request)]
    for name in dict.fromkeys(used):
        first, _, rest = name.partition(".")
        if first in steps:
            if rest not in ("ids", "count", "unmatched"):
                yield ("request",), f"the hole '${name}': a step has ids, count and unmatched"
        elif first not in arguments and first not in ("batch", "item"):
            yield ("request",), f"the hole '${name}' has no argument"
        elif rest and not _has_path(spec.properties.get(first, {}), rest, spec.input_schema):
            yield ("request",), f"the hole '${name}': {first!r} has no {rest!r}"
    reached = {name.partition(".")[0] for name in used} | ENGINE_ARGUMENTS
    for name in sorted(arguments - reached):
        yield ("input_schema", "properties", name), f"the argument {name!r} reaches nothing in the request"


def _step_holes(request: StepsRequest) -> Iterator[str]:
    for step in request.steps:
        yield from holes(step.arguments)
        singles = [
            *step.when,
            *(step.collect or []),
            step.each,
            step.batch and step.batch.of,
            step.match and step.match.of,
        ]
        yield from (name for value in singles if (name := hole(value)))
    for caution in request.warnings:
        yield from (name for value in caution.when if (name := hole(value)))


def _has_path(schema: dict[str, Any], path: str, root: dict[str, Any]) -> bool:
    for part in path.split("."):
        while "$ref" in schema:
            schema = root.get("$defs", {}).get(str(schema["$ref"]).rsplit("/", 1)[-1], {})
        if part not in schema.get("properties", {}):
            return False
        schema = schema["properties"][part]
    return True


def _references(spec: ActionSpec, by_name: dict[str, ActionSpec]) -> Found:
    """Other actions that a spec names exist, take the arguments they are given, and may be used there."""
    for index, rule in enumerate(spec.preconditions):
        for name in _arguments_of(rule):
            if name not in spec.properties:
                yield ("preconditions", index), f"speaks of {name!r}, which is no argument"
    for where, name, arguments in [*_reads(spec), *_runs(spec)]:
        other = by_name.get(name)
        if other is None:
            yield where, f"there is no action {name!r}"
            continue
        for argument in arguments:
            if argument not in other.properties:
                yield where, f"{name} has no argument {argument!r}"
    if (verify := spec.result.verify) and verify.action in by_name and by_name[verify.action].effect != "read":
        yield ("result", "verify"), f"{verify.action} changes something; only a read may be used here"
    for _, name, _ in _runs(spec):
        for scope in by_name[name].scopes if name in by_name else []:
            if scope not in spec.scopes:
                yield ("scopes",), f"{name} needs the scope {scope!r}, which is missing here"


Use = tuple[tuple[int | str, ...], str, dict[str, Any]]
"""Where another action is named, which, and the arguments it is given."""


def _reads(spec: ActionSpec) -> Iterator[Use]:
    """The actions that a spec uses to look something up."""
    for index, rule in enumerate(spec.preconditions):
        look: Lookup | None = rule.exists or rule.state
        if look is not None:
            yield ("preconditions", index), look.action, look.arguments
    if spec.result.verify is not None:
        yield ("result", "verify"), spec.result.verify.action, spec.result.verify.arguments


def _runs(spec: ActionSpec) -> Iterator[Use]:
    """The actions that a spec is made of."""
    if isinstance(spec.request, ChooseRequest):
        for key, choice in spec.request.among.items():
            yield ("request", "among", key), choice.action, choice.arguments
    if isinstance(spec.request, StepsRequest):
        for step in spec.request.steps:
            if step.action is not None:
                yield ("request", "steps"), step.action, step.arguments


def _arguments_of(rule: Precondition) -> Iterator[str]:
    """The names of all arguments that a precondition speaks of."""
    for names in (rule.exactly_one_of, rule.at_least_one_of, rule.at_least_one_given, rule.at_most_one_of):
        yield from names or []
    if rule.items:
        yield from rule.items.of
    if rule.together:
        yield from [rule.together.argument, *rule.together.needs]
    yield from [name for name in (rule.in_past, rule.in_future) if name]
    if look := rule.exists or rule.state:
        yield from holes(look.arguments)
