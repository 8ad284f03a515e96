"""Every place in every body leads back to the argument that filled it."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.catalogue import CATALOGUE

from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.answers.pointers import argument_at
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.model import ActionSpec, HttpRequest
from klaviyo_mcp.registry.registry import Registry

BODIES = {spec.name: spec for spec in CATALOGUE if isinstance(spec.request, HttpRequest) and spec.request.body}
MARK = "argument:"
ROWS = 3


def marked(template: Any) -> dict[str, Any]:
    """Arguments for a template in which every value is its own path, and every list has ROWS items."""
    arguments: dict[str, Any] = {}
    for name in names(template, ""):
        put(arguments, name.split("."), "")
    return arguments


def names(part: Any, item: str) -> Iterator[str]:
    """The arguments that a template takes, as `groups[].events[].time`; `item` is what `$item` stands for."""
    if name := hole(part):
        yield item + name.removeprefix("item") if name.split(".")[0] == "item" else name
    elif isinstance(part, dict) and "$each" in part:
        (inner,) = names(part["$each"], item)
        yield from names(part["$do"], f"{inner}[]")
    elif isinstance(part, dict) and "$concat" in part:
        yield from (f"{name}[]" for one in part["$concat"] for name in names(one, item))
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from names(inner, item)


def put(at: Any, parts: list[str], path: str) -> None:
    """Set the value at `a[].b` to its path; items of lists have their row in it."""
    key, many = parts[0].removesuffix("[]"), parts[0].endswith("[]")
    path = f"{path}.{key}".lstrip(".")
    if not many and parts[1:]:
        put(at.setdefault(key, {}), parts[1:], path)
    elif not many:
        at[key] = f"{MARK}{path}"
    else:
        rows = at.setdefault(key, [{} for _ in range(ROWS)])
        for row in range(ROWS):
            if parts[1:]:
                put(rows[row], parts[1:], f"{path}[{row}]")
            else:
                rows[row] = f"{MARK}{path}[{row}]"


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, f"{pointer}/{key}")
    else:
        yield pointer, value


@pytest.mark.parametrize("spec", BODIES.values(), ids=BODIES)
def test_a_pointer_leads_back_to_its_argument(spec: ActionSpec) -> None:
    assert isinstance(spec.request, HttpRequest)
    body = fill(spec.request.body, marked(spec.request.body))
    found = [(pointer, value) for pointer, value in leaves(body) if str(value).startswith(MARK)]
    assert found or not any(True for _ in leaves(body))
    for pointer, value in found:
        assert argument_at(pointer, spec) == value.removeprefix(MARK), pointer
        # What lies inside an argument is named on from there.
        assert argument_at(f"{pointer}/inner/4/x", spec) == f"{value.removeprefix(MARK)}.inner[4].x"


@pytest.mark.parametrize(
    ("name", "pointer", "argument"),
    [
        ("bulk_import_profiles", "/data/attributes/profiles/data/1", "profiles[1]"),
        ("bulk_import_profiles", "/data/attributes/profiles/data/1/attributes", "profiles[1]"),
        ("bulk_import_profiles", "/data/attributes/profiles", "profiles"),
        (
            "bulk_create_events",
            "/data/attributes/events-bulk-create/data/2/attributes/events/data/0",
            "groups[2].events[0]",
        ),
        ("create_event", "/data/attributes/profile/data", "profile"),
        ("create_event", "/data/attributes", ""),
        ("get_profiles", "page[size]", "page_size"),
        ("get_profiles", "filter", "filter"),
        ("query_campaign_values", "/data/attributes/group_by/3", "group_by[0]"),
        ("query_campaign_values", "conversion_metric_id", "conversion_metric_id"),
        ("update_mapped_metric", "/data/relationships/metric/data/id", "metric_id"),
    ],
)
def test_places_that_are_not_leaves(registry: Registry, name: str, pointer: str, argument: str) -> None:
    assert argument_at(pointer, registry[name].spec) == argument
