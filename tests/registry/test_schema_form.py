"""The form of arguments on one page: self-contained, short, with an example, and every path that it names exists."""

import json
import re
from functools import cache

import pytest
from jsonschema import Draft202012Validator
from tests.catalogue import CATALOGUE

from klaviyo_mcp.registry.schema_form import LARGEST_FORM, form_at, form_text, schema_of

SPECS = {spec.name: spec for spec in CATALOGUE}


@cache
def forms(name):
    """Every form of an action that is named anywhere, by its path: the root, each argument, and what these name."""
    spec = SPECS[name]
    found, waiting = {}, ["", *spec.properties]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = form_at(spec, path)
            waiting += re.findall(r"Form: ([^\s\"]+)", json.dumps(found[path]))
    return found


@pytest.mark.parametrize("name", SPECS)
def test_every_form_is_short_self_contained_and_has_an_example_that_fits(name) -> None:
    spec = SPECS[name]
    for path, form in forms(name).items():
        text = form_text(form)
        assert len(text) <= LARGEST_FORM, (path, len(text))
        assert '"$ref"' not in text
        assert '"$defs"' not in text
        full = {**schema_of(spec, path), "$defs": spec.input_schema.get("$defs", {})}
        (example,) = form["examples"]
        wrong = list(Draft202012Validator(full).iter_errors(example))
        assert not wrong, (path, example, wrong[0].message)


def test_time_zones_are_named_by_their_pattern() -> None:
    found = [form for form in forms("create_flow").values() if "Europe/Berlin" in json.dumps(form)]
    assert found
    assert all("Africa/Abidjan" not in json.dumps(form) for form in found)


def test_the_deepest_parts_can_be_reached() -> None:
    assert len(forms("create_flow")) > 10
    assert form_at(SPECS["create_flow"], "definition.actions")["type"] == "array"
    assert json.loads(form_text(form_at(SPECS["create_flow"]))) == form_at(SPECS["create_flow"])
    assert "subject_line" in json.dumps(form_at(SPECS["create_flow"], "definition.FlowEmail"))


def test_a_path_that_there_is_none_of_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"definition\.nothing"):
        form_at(SPECS["create_flow"], "definition.nothing")
