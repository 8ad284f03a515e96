"""Spec files as models: what is wrong with one is said with its file, its line and a suggestion."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import klaviyo_mcp
from klaviyo_mcp.registry.errors import SpecError
from klaviyo_mcp.registry.guides import PACKAGE
from klaviyo_mcp.registry.loading import CHECKOUT_SPECS, compile_catalogue, editor_schema, load_catalogue, load_file

GOOD = """\
# yaml-language-server: $schema=../../docs/action.schema.json
name: create_list
title: Create a list
summary: Make a new, empty marketing list.
description: |
  Makes an empty list and returns its id.
operation: create_list
effect: write
idempotent: false
scopes: [lists:write]
rate_limit: {burst: 10/s, steady: 150/m, daily: 150/d}
input_schema:
  type: object
  properties:
    name: {type: string, minLength: 1}
  required: [name]
  additionalProperties: false
preconditions: []
request:
  method: POST
  path: /api/lists
  body: {data: {type: list, attributes: {name: $name}}}
result: {kind: resource, type: list}
examples:
  - {when: A new list, arguments: {name: VIP}}
"""


def write(folder: Path, text: str = GOOD, name: str = "create_list") -> Path:
    path = folder / "lists" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(SpecError) as error:
        load_file(path)
    return [f"{problem.line}: {problem.message}" for problem in error.value.problems]


def test_a_good_file_loads_and_its_folder_is_its_toolset(tmp_path) -> None:
    spec = load_file(write(tmp_path))
    assert (spec.name, spec.toolset, spec.effect) == ("create_list", "lists", "write")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("effect: write", "efect: write", "8: unknown key 'efect'; did you mean 'effect'?"),
        ("  path: /api/lists\n", "  pth: /api/lists\n", "21: unknown key 'request.pth'; did you mean 'path'?"),
        ("result: {kind: resource", "result: {knd: resource", "23: unknown key 'result.knd'; did you mean 'kind'?"),
        ("preconditions: []", "preconditions:\n  - {exactly_one: [a, b]}", "'exactly_one_of'?"),
        ("effect: write", "effect: wirte", "8: effect: Input should be 'read', 'write' or 'destructive'"),
        ("burst: 10/s", "burst: 10/m", "burst must be given per 's'"),
        ("title: Create a list\n", "", "1: missing key 'title'"),
        ("path: /api/lists", "path: /lists", "21: request.path"),
        ("request:\n  method", "request: none\nother:\n  method", "request: "),
        ("  path: /api/lists", "\tpath: /api/lists", "21: not valid YAML"),
        ("name: create_list\n", "name: create-list\n", "2: name: String should match"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_nearest_right_thing(tmp_path, old, new, says) -> None:
    assert GOOD.count(old) >= 1
    found = problems(write(tmp_path, GOOD.replace(old, new, 1)))
    assert any(says in line for line in found), found


def test_every_problem_of_every_file_comes_back_at_once(tmp_path) -> None:
    write(tmp_path, GOOD.replace("effect", "efect"))
    write(tmp_path, GOOD.replace("title", "titel"), "other")
    with pytest.raises(SpecError) as error:
        load_catalogue(tmp_path)
    files = {Path(problem.file).name for problem in error.value.problems}
    assert files == {"create_list.yaml", "other.yaml"}


def test_an_empty_folder_is_an_error_that_says_what_was_looked_for(tmp_path) -> None:
    with pytest.raises(SpecError, match="no spec files"):
        load_catalogue(tmp_path)


def test_the_compiled_catalogue_is_the_same_as_the_yaml(tmp_path) -> None:
    from pydantic import TypeAdapter

    from klaviyo_mcp.registry.model import ActionSpec

    compiled = TypeAdapter(list[ActionSpec]).validate_json(compile_catalogue(CHECKOUT_SPECS))
    assert compiled == load_catalogue() == load_catalogue(CHECKOUT_SPECS)


def test_the_schema_for_editors_knows_every_key() -> None:
    schema = json.loads(editor_schema())
    assert {"name", "effect", "request", "preconditions"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert "toolset" not in schema["properties"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_checkout_whose_compiled_copy_cannot_be_written_works_and_keeps_no_half_of_it(tmp_path: Path) -> None:
    package = Path(klaviyo_mcp.__file__).parent
    shutil.copytree(package, tmp_path / "server" / "klaviyo_mcp", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT_SPECS / "lists", tmp_path / "tool_specs" / "lists")
    load = "from klaviyo_mcp.registry.loading import load_catalogue; print(len(load_catalogue()))"
    for limit in ("16", "unlimited"):
        command = ["sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh", sys.executable, "-B", "-c", load]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "server")}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) == len(list((CHECKOUT_SPECS / "lists").glob("*.yaml")))
        kept = [path.name for path in (tmp_path / ".cache").iterdir()]
        assert kept == ([] if limit == "16" else ["catalogue.json"])


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="there is nothing to compare with")
def test_every_file_says_the_same_without_libyaml() -> None:
    """PyYAML's own reader, where libyaml is missing, takes less: some texts that libyaml reads are errors to it."""
    guides = [path.read_text("utf-8").split("---\n")[1] for path in sorted(PACKAGE.glob("*/*.md"))]
    # Text as people write it is in all of them alike, and the plain reader takes half a minute for all.
    texts = {str(path): path.read_text("utf-8") for path in sorted(CHECKOUT_SPECS.glob("*/*.yaml"))[::4]}
    texts |= {f"front matter {number}": text for number, text in enumerate(guides)}
    texts |= {str(path): path.read_text("utf-8") for path in sorted(PACKAGE.glob("**/*.yaml"))}
    assert len(texts) > 120
    differing = []
    for name, text in texts.items():
        try:
            plain = yaml.load(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            differing.append(f"{name}: {error}")
            continue
        if repr(plain) != repr(yaml.load(text, Loader=yaml.CSafeLoader)):
            differing.append(name)
    assert differing == []
