"""Klaviyo's facts stand in one file for each revision, every spec agrees with its own, and they are the document's.

The files are `klaviyo_sandbox/facts/<revision>.json`, which `klaviyo-mcp specs facts` made. That reading is held
against `described/<revision>.json`, which was made from the same document without any of the project's own code.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from description import FILLED_IN, FILTER_KINDS, Description, described
from tests.catalogue import CATALOGUE

import klaviyo_sandbox.facts
from klaviyo_mcp.klaviyo.requests import REVISION
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.model import ActionSpec, HttpRequest
from klaviyo_sandbox.facts import REVISIONS

JSON = dict[str, Any]
FILES: dict[str, JSON] = {
    revision: json.loads(Path(klaviyo_sandbox.facts.__file__).with_name(f"{revision}.json").read_bytes())
    for revision in REVISIONS
}
SPECS = {spec.name: spec for spec in CATALOGUE if isinstance(spec.request, HttpRequest)}
NO_KEY = "it is called with a company id and no key, whose scopes it could need"
DEPARTURES: dict[str, dict[str, tuple[Any, str]]] = {
    "bulk_create_client_events": {"scopes": ([], NO_KEY)},
    "create_client_back_in_stock_subscription": {"scopes": ([], NO_KEY)},
    "create_client_event": {"scopes": ([], NO_KEY)},
    "create_client_profile": {"scopes": ([], NO_KEY)},
    "create_client_subscription": {"scopes": ([], NO_KEY)},
}
"""What a spec states instead of a fact, and why it is right."""
TYPES = {"date-time": "datetime"}
SLOTS = {"single": "one", "list": "many", "none": "alone"}
OWN_PLACE = ("filter", "sort", "include", "fields", "additional-fields", "page")


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_spec_states_klaviyos_facts(name: str) -> None:
    departures = {fact: value for fact, (value, _) in DEPARTURES.get(name, {}).items()}
    assert of_spec(SPECS[name]) == facts_of(SPECS[name]) | departures


@pytest.mark.parametrize("name", DEPARTURES)
def test_a_departure_is_one_and_stays_when_the_facts_are_refreshed(name: str) -> None:
    for fact, (value, why) in DEPARTURES[name].items():
        assert why
        assert facts_of(SPECS[name])[fact] != value
        assert fact in SPECS[name].overrides


def test_all_of_the_newest_revision_is_described() -> None:
    assert described(REVISION).operations.keys() == FILES[REVISION]["operations"].keys()


@pytest.mark.parametrize(
    ("revision", "name"), [(revision, name) for revision in REVISIONS for name in described(revision).operations]
)
def test_the_facts_are_what_the_document_states(revision: str, name: str) -> None:
    lists, facts = FILES[revision]["fields"], FILES[revision]["operations"][name]
    description = described(revision)
    stated = description.operations[name]
    query = {key.rstrip("!"): description.resolved(shape) for key, shape in stated.get("query", {}).items()}
    required = [key.rstrip("!") for key in stated.get("query", {}) if key.endswith("!")]
    assert (facts["method"], facts["path"], facts.get("media")) == (
        stated["method"],
        stated["path"],
        stated.get("media"),
    )
    assert facts.get("scopes", []) == sorted(stated["scopes"])
    assert facts["limits"] == numbers(stated["limits"])
    assert {singular(words): rates for words, rates in facts.get("extra_limits", {}).items()} == {
        words: numbers(rates) for words, rates in stated.get("extra_limits", {}).items()
    }
    filters = {
        field: {key: each[key] for key in (*FILTER_KINDS, "enum") if key in each}
        for field, each in facts.get("filters", {}).items()
    }
    assert filters == stated.get("filters", {})
    assert facts.get("filter_required", False) == ("filter" in required)
    assert sorted(s for sort in facts.get("sorts", []) for s in (sort, f"-{sort}")) == choices(
        description, query.get("sort")
    )
    assert sorted(facts.get("include", [])) == choices(description, query.get("include"))
    for family, named in (
        ("fields", {kind: lists[listed] for kind, listed in facts.get("fields", {}).items()}),
        ("additional-fields", facts.get("additional", {})),
    ):
        assert {f"{family}[{kind}]": sorted(names) for kind, names in named.items()} == {
            key: choices(description, shape) for key, shape in query.items() if key.startswith(f"{family}[")
        }
    page = facts.get("page", {})
    assert bool(page) == ("page[cursor]" in query)
    sized = {"is": "integer", "minimum": 1, "maximum": page["most"]} if page.get("sizable", bool(page)) else None
    assert sized == query.get("page[size]")
    own = facts.get("parameters", {})
    assert own.keys() == {key for key in query if key.partition("[")[0] not in OWN_PLACE}
    assert {key for key, each in own.items() if each.get("required")} == {key for key in required if key in own}
    assert {key: sorted(each.get("enum", [])) for key, each in own.items()} == {
        key: choices(description, query[key]) for key in own
    }
    assert facts.get("headers", []) == list(stated.get("header", {}))


def facts_of(spec: ActionSpec) -> JSON:
    """What a spec has to say of its operation, as the file of its revision has it."""
    file = FILES[spec.revision or REVISION]
    facts = file["operations"][spec.operation]
    return {
        "method": facts["method"],
        "path": re.sub(r"\{\w+\}", "{}", facts["path"]),
        "scopes": facts.get("scopes", []),
        "limits": facts["limits"],
        "extra_limits": facts.get("extra_limits", {}),
        "filters": {field: _filter(each) for field, each in facts.get("filters", {}).items()},
        "filter_required": facts.get("filter_required", False),
        "sorts": sorted(way for sort in facts.get("sorts", []) for way in (sort, f"-{sort}")),
        "page": {key: size for key, size in facts.get("page", {}).items() if facts["page"].get("sizable", True)},
        "paged": "page" in facts,
        "include": sorted(facts.get("include", [])),
        "fields": {kind: file["fields"][listed] for kind, listed in facts.get("fields", {}).items()},
        "additional": {kind: sorted(names) for kind, names in facts.get("additional", {}).items()},
        "parameters": {
            key: sorted(each.get("enum", [])) for key, each in facts.get("parameters", {}).items() if key != FILLED_IN
        },
        "headers": facts.get("headers", []),
        "multipart": facts.get("media") == "multipart/form-data",
    }


def of_spec(spec: ActionSpec) -> JSON:
    """The same, as a spec says it: in its tables, in its request, and in what its arguments may be."""
    http, limit = spec.request, spec.rate_limit
    assert isinstance(http, HttpRequest)
    assert limit is not None
    argument = {key: hole(part) or "" for key, part in http.query.items()}
    taken: JSON = {key: spec.input_schema["properties"].get(name, {}) for key, name in argument.items()}
    size = taken.get("page[size]")
    conditions = http.query.get("filter")
    return {
        "method": http.method,
        "path": re.sub(r"\$\w+", "{}", http.path),
        "scopes": sorted(spec.scopes),
        "limits": numbers([rate for rate in (limit.burst, limit.steady, limit.daily) if rate]),
        "extra_limits": {
            f"{key}={extra.contains}": numbers([extra.burst, extra.steady])
            for extra in limit.extra
            for key, name in argument.items()
            if name == extra.argument
        },
        # Reports take their filter in the body, where the document describes it in words alone.
        "filters": _without_forms(spec) if conditions else {},
        "filter_required": isinstance(conditions, dict) and _is_always_there(conditions["$filter"], spec),
        "sorts": _choices(taken.get("sort")),
        "page": {"default": _default(size), "most": size["maximum"]} if size else {},
        "paged": "page[cursor]" in argument,
        "include": _choices(taken.get("include")),
        **{
            family: {key[len(prefix) : -1]: _choices(schema) for key, schema in taken.items() if key.startswith(prefix)}
            for family, prefix in (("fields", "fields["), ("additional", "additional-fields["))
        },
        "parameters": {
            key: _choices(schema)
            for key, schema in taken.items()
            if key.partition("[")[0] not in (*OWN_PLACE, FILLED_IN)
        },
        "headers": list(http.headers),
        "multipart": http.multipart is not None,
    }


def _is_always_there(conditions: list[Any], spec: ActionSpec) -> bool:
    """Whether one of the conditions is made of an argument that must be given, if only in place of another."""
    alternatives = [rule.at_least_one_of for rule in spec.preconditions or [] if rule.at_least_one_of]
    made_of = {hole(one["value"]) for one in conditions if isinstance(one, dict)}
    return bool(made_of & {*spec.required}) or any(made_of >= {*names} for names in alternatives)


def _filter(stated: JSON) -> JSON:
    """A filter as specs have it: text where no type is stated, and operators by what they take."""
    found = {key: stated[form] for form, key in SLOTS.items() if form in stated}
    found |= {"type": TYPES.get(stated["type"], stated["type"])} if "type" in stated else {}
    return found | ({"enum": stated["enum"]} if "enum" in stated else {})


def _without_forms(spec: ActionSpec) -> JSON:
    """What a spec says of its filters but for the forms of ids, which Klaviyo's document does not state."""
    fields = spec.model_dump(exclude_defaults=True)["filters"]
    return {name: {key: value for key, value in field.items() if key != "format"} for name, field in fields.items()}


def _choices(schema: JSON | None) -> list[str]:
    return sorted((schema or {}).get("items", schema or {}).get("enum", []))


def _default(schema: JSON) -> int:
    stated = re.match(r"(?:Default|Always) (\d+)\.", schema["description"])
    assert stated, schema
    return int(stated[1])


def choices(description: Description, shape: Any) -> list[str]:
    """The values that a query parameter takes, where it takes but some."""
    shape = description.resolved(shape.get("list", shape) if isinstance(shape, dict) else shape)
    return sorted(shape["enum"]) if isinstance(shape, dict) and "enum" in shape else []


def numbers(rates: list[str]) -> list[int]:
    return [int(rate[:-2]) for rate in rates]


def singular(words: str) -> str:
    """The document's prose says `include=list` where the parameter takes `lists`."""
    return re.sub(r"^(include=.*)s$", r"\1", words)
