"""The rules of the spec format that `klaviyo-mcp specs check` holds."""

import importlib.util
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from klaviyo_mcp.authoring.examples import rehearse
from klaviyo_mcp.authoring.rules import check_folder
from klaviyo_mcp.authoring.schema_rules import KEYWORDS, malformed
from klaviyo_mcp.cli.specs import error_codes
from klaviyo_mcp.registry.loading import CHECKOUT_SPECS

_sibling = importlib.util.spec_from_file_location(
    "loading_examples", Path(__file__).parent.parent / "registry" / "test_loading.py"
)
assert _sibling is not None
assert _sibling.loader is not None
_module = importlib.util.module_from_spec(_sibling)
_sibling.loader.exec_module(_module)
GOOD, write = _module.GOOD, _module.write


def found(folder: Path) -> list[str]:
    specs, problems = check_folder(folder, error_codes())
    return [str(problem) for problem in problems or rehearse(folder, specs)]


def test_the_projects_own_specs_keep_every_rule() -> None:
    assert found(CHECKOUT_SPECS) == []


def test_a_good_file_has_no_problems(tmp_path) -> None:
    write(tmp_path)
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("# yaml-language-server", "# something", "the first line must be"),
        ("name: create_list", "name: make_list", "the file is named 'create_list' and the action 'make_list'"),
        ("effect: write\n", "effect: write\neffect: write\n", "'effect' stands here twice"),
        ("{name: $name}", "{name: $nmae}", "the hole '$nmae' has no argument"),
        ("{name: $name}", "{name: fixed}", "the argument 'name' reaches nothing"),
        ("path: /api/lists", "path: /api/lists/$id", "the hole '$id' has no argument"),
        ("{name: $name}", "{name: $name.first}", "'name' has no 'first'"),
        ("preconditions: []\n", "", "a write says which preconditions it has"),
        ("preconditions: []", "preconditions: [{exactly_one_of: [name, other]}]", "'other', which is no argument"),
        ("preconditions: []", "preconditions: [{forbids: ['name.first']}]", "'name.first', and the schema has no such"),
        ("preconditions: []", "preconditions: [{forbids: ['name[]']}]", "'name[]', and the schema has no such place"),
        ("preconditions: []", "preconditions: [{forbids: [name], when: {othr: 1}}]", "'othr', which is no argument"),
        (
            "preconditions: []",
            "preconditions: [{conditions: {of: name, forms: {id: x}}}]",
            "field 'id', which is not among the filters",
        ),
        ("preconditions: []", "preconditions: [{exists: {action: get_lst, arguments: {}}}]", "no action 'get_lst'"),
        ("examples:\n  - {when: A new list, arguments: {name: VIP}}\n", "", "there is no example"),
        (
            "preconditions: []",
            "clearing: {inside: [rows]}\npreconditions: []",
            "'rows', and the schema has no such place",
        ),
        ("preconditions: []", "defaults: {nom: revenue_metric}\npreconditions: []", "'nom', and there is no such arg"),
        ("preconditions: []", "defaults: {name: revenue_metric}\npreconditions: []", "'name' is required, so that"),
        ("idempotent: false", "idempotent: false\nidempotency_key: nom", "'nom', and the schema has no such place"),
        ("idempotent: false", "idempotent: true\nidempotency_key: name", "not idempotent by itself needs a key"),
        ("preconditions: []", "clearing: {never: [nom]}\npreconditions: []", "'nom', and nothing of this name"),
        ("preconditions: []", "clearing: {null_counts: [nom]}\npreconditions: []", "no property has this name"),
        (
            "name: {type: string, minLength: 1}",
            "clear: {type: string}",
            "'clear' is what every action empties fields by",
        ),
        ("arguments: {name: VIP}", "arguments: {nme: VIP}", "example 1 (A new list): nme: there is no such argument"),
        ("marketing list.\ndesc", "marketing list\ndesc", "ends with a full stop"),
        ("title: Create a list", "title: Create a list.", "no full stop"),
        ("method: POST", "method: GET", "its effect is 'read'"),
        ("operation: create_list\n", "", "names it: 'operation: …'"),
        ("scopes: [lists:write]\n", "", "needs its scopes"),
        ("rate_limit: {burst: 10/s, steady: 150/m, daily: 150/d}\n", "", "needs its rate_limit"),
        ("  additionalProperties: false\n", "", "additionalProperties: false"),
        ("required: [name]", "required: [nom]", "requires 'nom'"),
        ("name: {type: string, minLength: 1}", "name: {type: strin}", "not a valid JSON Schema"),
        ("name: {type: string, minLength: 1}", "name: {type: string, minLenght: 1}", "did you mean 'minLength'?"),
        (
            "name: {type: string, minLength: 1}",
            "name: {type: string}\n    'page[size]': {}",
            "not a plain argument name",
        ),
        ("  type: object\n", "  type: object\n  oneOf: [{}]\n", "clients reject oneOf"),
        ("operation: create_list", "aliases: [create_list]\noperation: create_list", "alias 'create_list' clashes"),
        ("its id.", "its id. Use get_listz to look.", "'get_listz', and there is no action"),
        ("examples:", "advice: {lost: Look for it}\nexamples:", "'lost' is no error code"),
        ("type: list}", "type: list, paged: true}", "a paged result needs the argument 'cursor'"),
        ("type: list}", "type: list, verify: {action: create_list}}", "only a read may be used here"),
    ],
)
def test_a_broken_rule_is_named(tmp_path, old, new, says) -> None:
    assert old in GOOD
    write(tmp_path, GOOD.replace(old, new, 1))
    lines = found(tmp_path)
    assert any(says in line for line in lines), lines
    assert all(line.startswith(str(tmp_path)) for line in lines)


@pytest.mark.parametrize("content", [b"- a\n", b"\xff\xfe\x00", b"a: &x [*x]\n", b"name: [\n", b""])
def test_a_file_that_is_no_spec_at_all_is_a_problem_not_a_traceback(tmp_path, content) -> None:
    path = write(tmp_path)
    path.write_bytes(content)
    assert any(str(path) in line for line in found(tmp_path))


def test_two_actions_cannot_share_a_name_or_an_alias(tmp_path) -> None:
    write(tmp_path, GOOD.replace("operation: create_list", "aliases: [add_list]\noperation: create_list"))
    write(
        tmp_path,
        GOOD.replace("name: create_list", "name: make_list", 1).replace(
            "operation: create_list", "aliases: [add_list]\noperation: create_list"
        ),
        "make_list",
    )
    assert any("the alias 'add_list' clashes with" in line for line in found(tmp_path))


def test_a_tool_that_is_too_large_for_a_model_is_refused(tmp_path) -> None:
    more = "".join(f"    argument_{n}: {{type: string, description: '{'x' * 100}'}}\n" for n in range(60))
    holes = "".join(f", a{n}: $argument_{n}" for n in range(60))
    text = GOOD.replace("  required: [name]\n", f"{more}  required: [name]\n").replace(
        "{name: $name}", f"{{name: $name{holes}}}"
    )
    write(tmp_path, text)
    assert any("bytes; at most 6,000" in line for line in found(tmp_path))


BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghij"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "used again through an alias"),
        (f"name: {'[' * 50_000}", "depth"),
        (f"name: {'[' * 50_000}{']' * 50_000}", "depth"),
        (f"name: {'{a: ' * 900}{'}' * 900}", "nested more than 100 levels deep"),
        (f"name: {'9' * 5_000}", "cannot be read"),
        ("name: !!binary aGk=", "write it in quotes"),
        ("name: !!python/object:os.system x", "write it in quotes"),
        ("on: x", "the key 'on' is not text"),
        ("<<: {name: x}", "merge keys"),
    ],
)
def test_text_that_means_harm_is_one_problem_and_quickly(tmp_path, text, says) -> None:
    path = write(tmp_path, text)
    began = time.process_time()
    (line,) = found(tmp_path)
    assert time.process_time() - began < 1
    assert line.startswith(str(path))
    assert says in line


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("{$ref: '#/$defs/A'}", "leads to nothing"),
        ("{$ref: '#/$defs/Round'}", "leads to nothing"),
        ("{type: array, items: {minLenght: 1}}", "did you mean 'minLength'?"),
        ("{anyOf: []}", "anyOf must be a list of schemas, and is '[]'"),
        ("{pattern: '('}", "pattern must be a regular expression"),
        ("{properties: {a: text}}", "'text' stands where a schema belongs"),
    ],
)
def test_a_fault_deep_in_a_schema_is_told_with_its_own_line(tmp_path, part, says) -> None:
    text = GOOD.replace("{type: string, minLength: 1}", f"\n      anyOf:\n        - {part}")
    write(tmp_path, text.replace("preconditions:", "  $defs: {Round: {$ref: '#/$defs/Round'}}\npreconditions:", 1))
    assert any(f"create_list.yaml:{text[: text.index(part)].count(chr(10)) + 1}:" in line for line in found(tmp_path))
    assert any(says in line for line in found(tmp_path))


values = st.recursive(
    st.sampled_from([None, True, False, -1, 0, 1.5, 3, "", "a", "(", "string", "array"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYWORDS]), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*KEYWORDS]), values, max_size=4))
def test_what_the_rules_let_pass_is_json_schema(schema) -> None:
    if not list(malformed(schema)):
        Draft202012Validator.check_schema(schema)
