"""From spec files to models: the YAML of a checkout, the compiled JSON of a wheel, and errors that name file and line.

A checkout keeps a compiled copy in `.cache/`, valid as long as names, sizes and times of the YAML files are the same,
because parsing some 350 YAML files costs about 0.2 s at every start and reading the JSON a few milliseconds.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.clearing import with_clear
from klaviyo_mcp.registry.errors import SpecError, SpecProblem
from klaviyo_mcp.registry.model import ActionSpec, ChooseRequest, HttpRequest, ServiceRequest
from klaviyo_mcp.registry.steps import StepsRequest

PACKAGE = Path(__file__).resolve().parent.parent
CHECKOUT_SPECS = PACKAGE.parent.parent / "tool_specs"
COMPILED = PACKAGE / "catalogue.json"

REQUEST_KINDS: dict[int | str, type[BaseModel]] = {
    "http": HttpRequest,
    "choose": ChooseRequest,
    "steps": StepsRequest,
    "service": ServiceRequest,
}
"""The tags by which pydantic names the form of a request in the location of an error; the file does not have them."""

_catalogue: TypeAdapter[list[ActionSpec]] = TypeAdapter(list[ActionSpec])
_loaded: dict[str, list[ActionSpec]] = {}
"""What a checkout holds, by its stamp."""


def load_catalogue(folder: Path | None = None) -> list[ActionSpec]:
    """All actions, sorted by name: from `folder`, else from the checkout's `tool_specs/`, else from the wheel.

    Raises SpecError with every problem found, each with its file and line.
    """
    if folder is not None:
        return sorted(_from_yaml(folder), key=lambda spec: spec.name)
    if CHECKOUT_SPECS.is_dir():
        return _from_checkout(CHECKOUT_SPECS)
    if COMPILED.is_file():
        return _catalogue.validate_json(COMPILED.read_bytes())
    raise SpecError([SpecProblem(str(COMPILED), 0, "the package holds no compiled catalogue; reinstall klaviyo-mcp")])


def compile_catalogue(folder: Path) -> bytes:
    """The JSON that a wheel ships: every action of `folder`, sorted by name."""
    specs = sorted(_from_yaml(folder), key=lambda spec: spec.name)
    return _catalogue.dump_json(specs, exclude_unset=True, by_alias=True)


def spec_files(folder: Path) -> list[Path]:
    """Every spec file of a folder, in stable order. The folder of a file is its toolset."""
    return sorted(folder.glob("*/*.yaml"))


def load_file(path: Path) -> ActionSpec:
    """One spec file as it is written; the folder it is in is its `toolset`. Raises SpecError with all its problems."""
    from klaviyo_mcp.registry.yaml_text import LineNumbers, parse  # 30 ms that the compiled catalogue does without

    try:
        text = path.read_bytes()
    except OSError as error:
        raise SpecError([SpecProblem(str(path), 0, f"cannot be read: {error}")]) from None
    try:
        return ActionSpec.model_validate({**parse(text, str(path)), "toolset": path.parent.name})
    except ValidationError as error:
        lines = LineNumbers(text)
        found: dict[str, SpecProblem] = {}
        for detail in error.errors(include_url=False):
            location = tuple(part for part in detail["loc"] if part not in REQUEST_KINDS)
            where = ".".join(str(part) for part in location)
            if detail["type"] == "extra_forbidden":
                message = f"unknown key {where!r}{_suggest(tuple(detail['loc']))}"
            elif detail["type"] == "missing":
                message = f"missing key {where!r}"
            else:
                message = f"{where}: {detail['msg']}"
            found[message] = SpecProblem(str(path), lines.of(location), message)
        raise SpecError(list(found.values())) from None


def _from_checkout(folder: Path) -> list[ActionSpec]:
    """The specs of a checkout, which a process and those forked from it load once, as long as they stay the same."""
    stamp = _stamp(folder)
    if stamp not in _loaded:
        _loaded[stamp] = _by_compiled_copy(folder, stamp)
    return [*_loaded[stamp]]


def _by_compiled_copy(folder: Path, stamp: str) -> list[ActionSpec]:
    """The YAML of a checkout, by way of its compiled copy when that is still true."""
    cache = folder.parent / ".cache" / "catalogue.json"
    with contextlib.suppress(OSError, ValueError):
        kept = cache.read_bytes()
        head, _, body = kept.partition(b"\n")
        if head.decode() == stamp:
            return _catalogue.validate_json(body)
    specs = sorted(_from_yaml(folder), key=lambda spec: spec.name)
    # A read-only checkout works too, and one on a full disk, only slower.
    with contextlib.suppress(OSError):
        cache.parent.mkdir(exist_ok=True)
        draft = cache.with_suffix(f".{os.getpid()}")
        try:
            draft.write_bytes(stamp.encode() + b"\n" + _catalogue.dump_json(specs, exclude_unset=True, by_alias=True))
            draft.replace(cache)
        finally:
            draft.unlink(missing_ok=True)
    return specs


def _stamp(folder: Path) -> str:
    """A line that changes whenever a spec file or the model of specs changes."""
    import hashlib  # a wheel needs no stamp

    digest = hashlib.sha256()
    for path in [*sorted(Path(__file__).parent.glob("*.py")), *spec_files(folder)]:
        status = path.stat()
        digest.update(f"{path}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _from_yaml(folder: Path) -> list[ActionSpec]:
    specs: list[ActionSpec] = []
    problems: list[SpecProblem] = []
    for path in spec_files(folder):
        try:
            specs.append(with_clear(load_file(path)))
        except SpecError as error:
            problems += error.problems
    if not specs and not problems:
        problems.append(SpecProblem(str(folder), 0, "holds no spec files (looked for <toolset>/<action>.yaml)"))
    if problems:
        raise SpecError(problems)
    return specs


def _suggest(location: tuple[int | str, ...]) -> str:
    """`; did you mean 'x'?` for an unknown key, from the keys that its part of a spec knows."""
    known = _keys_at(ActionSpec, location[:-1])
    near = nearest(location[-1], known, likeness=0.5)
    return f"; did you mean {near[0]!r}?" if near else (f"; known here: {', '.join(sorted(known))}" if known else "")


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys of the model that a location leads to, following lists, dicts, optionals and the kinds of request."""
    for part in location:
        if part in REQUEST_KINDS:
            model = REQUEST_KINDS[part]
        elif field := next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None):
            model = next(iter(_models_in(field.annotation)), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every model class inside an annotation such as `list[Step] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def editor_schema() -> str:
    """The JSON Schema of a spec file, for editors; `toolset` is left out because the folder gives it."""
    schema = ActionSpec.model_json_schema(by_alias=True)
    del schema["properties"]["toolset"]
    schema["required"].remove("toolset")
    schema["title"] = "klaviyo-mcp action"
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"
