"""The rules of the spec format that one file's model cannot check alone: across files, and between the parts of a file.

What an input schema may say is in `schema_rules`; whether examples validate and build is tried in `examples`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from klaviyo_mcp.authoring.conditions import said_under_conditions
from klaviyo_mcp.authoring.consequence_check import consequence_problems
from klaviyo_mcp.authoring.effects import effect_problems
from klaviyo_mcp.authoring.precondition_check import leads_somewhere, rule_problems
from klaviyo_mcp.authoring.schema_paths import has_path
from klaviyo_mcp.authoring.schema_rules import Found, argument_names, schema_rules
from klaviyo_mcp.authoring.step_rules import hole_of_a_step, step_holes, step_problems
from klaviyo_mcp.registry.clearing import CLEAR, with_clear
from klaviyo_mcp.registry.errors import SpecError, SpecProblem
from klaviyo_mcp.registry.holes import holes, path_holes
from klaviyo_mcp.registry.loading import load_file, spec_files
from klaviyo_mcp.registry.model import (
    ActionSpec,
    ChooseRequest,
    HttpRequest,
    ServiceRequest,
)
from klaviyo_mcp.registry.steps import GIVEN_BY_THE_ENGINE, Step, StepsRequest
from klaviyo_mcp.registry.yaml_text import LineNumbers

FIRST_LINE = "# yaml-language-server: $schema=../../docs/action.schema.json"
ENGINE_ARGUMENTS = {"charts", "expect", "fields", "fresh", "max_records"}
"""Arguments that the engine itself uses, and that therefore reach no hole."""

ANSWERED = {"duplicate_profile_id", "next_cursor", "retry_at", "next_step", "send_time"}
"""Names of answers that texts may speak of and that look like those of actions."""
NAME_LIKE = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")


def check_folder(folder: Path, error_codes: set[str]) -> tuple[list[ActionSpec], list[SpecProblem]]:
    """Every spec of a folder, loaded and checked. `error_codes` are the codes that `advice` may speak of."""
    loaded: list[tuple[Path, ActionSpec]] = []
    problems: list[SpecProblem] = []
    for path in spec_files(folder):
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
        if found := list(_spec_rules(spec, by_name, error_codes)):
            lines = LineNumbers(path.read_bytes())
            problems += [SpecProblem(str(path), lines.of(key), message) for key, message in found]
        problems += _file_rules(path, spec)
    problems += [SpecProblem(str(file_of(folder, spec)), 0, message) for spec, message in effect_problems(specs)]
    return [with_clear(spec) for spec in specs], sorted(problems, key=lambda problem: (problem.file, problem.line))


def file_of(folder: Path, spec: ActionSpec) -> Path:
    """The file that describes an action."""
    return folder / spec.toolset / f"{spec.name}.yaml"


def _file_rules(path: Path, spec: ActionSpec) -> Iterator[SpecProblem]:
    with path.open(encoding="utf-8") as file:
        if file.readline().rstrip("\n") != FIRST_LINE:
            yield SpecProblem(str(path), 1, f"the first line must be: {FIRST_LINE}")
    if spec.name != path.stem:
        yield SpecProblem(
            str(path), 1, f"the file is named {path.stem!r} and the action {spec.name!r}; they must agree"
        )


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


def _spec_rules(spec: ActionSpec, by_name: dict[str, ActionSpec], error_codes: set[str]) -> Found:
    yield from _words(spec, by_name)
    yield from schema_rules(spec)
    yield from _reach(spec)
    yield from _references(spec, by_name)
    yield from step_problems(spec, by_name)
    yield from _clearing(spec)
    yield from _idempotency(spec)
    yield from _defaults(spec)
    yield from said_under_conditions(spec, error_codes)
    yield from consequence_problems(spec, by_name)
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
    known = names | argument_names(spec.input_schema) | ANSWERED
    texts: list[tuple[tuple[int | str, ...], str]] = [
        (("summary",), spec.summary),
        (("description",), spec.description),
    ]
    texts += [(("advice",), advice.says) for advice in spec.advices]
    texts += [(("result", "notes"), note.says) for note in spec.result.notes]
    texts += [(("preconditions", index), rule.hint or "") for index, rule in enumerate(spec.preconditions)]
    texts += [(("result",), spec.result.note or "")]
    for where, text in texts:
        for word in NAME_LIKE.findall(text):
            if word not in known and _looks_like_action(word):
                yield where, f"speaks of {word!r}, and there is no action or argument of this name"


def _looks_like_action(word: str) -> bool:
    verbs = ("get", "create", "update", "delete", "bulk", "add", "remove", "send", "cancel", "query", "refresh", "tag")
    return word.split("_")[0] in verbs


def _reach(spec: ActionSpec) -> Found:
    """Every hole has an argument, and every argument reaches a hole."""
    arguments = set(spec.properties)
    request = spec.request
    steps: dict[str, Step] = {}
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
    elif isinstance(request, ServiceRequest):
        return  # its arguments reach the service, which is no part of the spec
    else:
        steps = {step.name: step for step in request.steps}
        used = [name for name in step_holes(request) if name not in GIVEN_BY_THE_ENGINE]
    for name in dict.fromkeys(used):
        first, _, rest = name.partition(".")
        if first in steps:
            if problem := hole_of_a_step(steps, name):
                yield ("request",), problem
        elif first not in arguments and first not in ("batch", "item"):
            yield ("request",), f"the hole '${name}' has no argument"
        elif rest and not has_path(spec.properties.get(first, {}), rest, spec.input_schema):
            yield ("request",), f"the hole '${name}': {first!r} has no {rest!r}"
    allowing = [hole[1:] for one in spec.consequences.refuses for hole in one.unless]
    reached = {name.partition(".")[0] for name in [*used, *allowing]} | ENGINE_ARGUMENTS
    for name in sorted(arguments - reached):
        yield ("input_schema", "properties", name), f"the argument {name!r} reaches nothing in the request"


def _clearing(spec: ActionSpec) -> Found:
    """What `clearing` names is there, and `clear` is free for it."""
    stated = spec.clearing
    for place in stated.inside or []:
        if place and not leads_somewhere(place, spec.input_schema):
            yield ("clearing", "inside"), f"speaks of {place!r}, and the schema has no such place"
    roots = [f"{place}." if place else "" for place in stated.inside or [""]]
    for name in stated.never:
        if not any(leads_somewhere(f"{root}{name}", spec.input_schema) for root in roots):
            yield ("clearing", "never"), f"speaks of {name!r}, and nothing of this name could be emptied"
    names = argument_names(spec.input_schema)
    for name in stated.null_counts:
        if name not in names:
            yield ("clearing", "null_counts"), f"speaks of {name!r}, and no property has this name"
    if CLEAR in names:
        yield ("input_schema",), f"{CLEAR!r} is what every action empties fields by; give this property another name"


def _idempotency(spec: ActionSpec) -> Found:
    """An idempotency key is an argument, of an action that needs one."""
    place = spec.idempotency_key
    if place is None:
        return
    if not leads_somewhere(place, spec.input_schema):
        yield ("idempotency_key",), f"speaks of {place!r}, and the schema has no such place"
    if spec.idempotent or spec.effect == "read" or not isinstance(spec.request, HttpRequest):
        yield ("idempotency_key",), "only one operation that is not idempotent by itself needs a key"


def _defaults(spec: ActionSpec) -> Found:
    """What is found in the account stands for an argument that may be left out, of an action that sends it."""
    for name in spec.defaults:
        if name not in spec.properties:
            yield ("defaults",), f"speaks of {name!r}, and there is no such argument"
        elif name in spec.required:
            yield ("defaults",), f"{name!r} is required, so that nothing is ever found for it"
        elif isinstance(spec.request, ChooseRequest):
            yield ("defaults",), f"{name!r} is found where it is sent: say it in the operations that this is made of"


def _references(spec: ActionSpec, by_name: dict[str, ActionSpec]) -> Found:
    """Other actions that a spec names exist, take the arguments they are given, and may be used there."""
    for index, rule in enumerate(spec.preconditions):
        for problem in rule_problems(rule, spec):
            yield ("preconditions", index), problem
    for where, name, arguments in [*_reads(spec), *_runs(spec)]:
        other = by_name.get(name)
        if other is None:
            yield where, f"there is no action {name!r}"
            continue
        if isinstance(other.request, ServiceRequest):
            yield where, f"{name} is carried out by a service, and can be no part of another action"
        for argument in arguments:
            if argument not in other.properties:
                yield where, f"{name} has no argument {argument!r}"
    for verify in spec.result.verifications:
        if verify.action in by_name and by_name[verify.action].effect != "read":
            yield ("result", "verify"), f"{verify.action} changes something; only a read may be used here"
    for _, name, _ in _runs(spec, optional=False):
        for scope in by_name[name].scopes if name in by_name else []:
            if scope not in spec.scopes:
                yield ("scopes",), f"{name} needs the scope {scope!r}, which is missing here"


Use = tuple[tuple[int | str, ...], str, dict[str, Any]]
"""Where another action is named, which, and the arguments it is given."""


def _reads(spec: ActionSpec) -> Iterator[Use]:
    """The actions that a spec uses to look something up."""
    for index, rule in enumerate(spec.preconditions):
        for look in rule.lookups:
            yield ("preconditions", index), look.action, look.arguments
    for verify in spec.result.verifications:
        yield ("result", "verify"), verify.action, verify.arguments
    if spec.result.ends is not None:
        yield ("result", "ends"), spec.result.ends.action, spec.result.ends.arguments


def _runs(spec: ActionSpec, *, optional: bool = True) -> Iterator[Use]:
    """The actions that a spec is made of, with or without those that it can do without."""
    if isinstance(spec.request, ChooseRequest):
        for key, choice in spec.request.among.items():
            yield ("request", "among", key), choice.action, choice.arguments
    if isinstance(spec.request, StepsRequest):
        for step in spec.request.steps:
            if step.action is not None and (optional or step.optional is None):
                yield ("request", "steps"), step.action, step.arguments
