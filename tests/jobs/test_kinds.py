"""Every kind of job is a declaration that fits the catalogue."""

import pytest

from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.jobs.kind import Kind, item_schema, load_kinds, option_schemas
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.registry import Registry


@pytest.mark.parametrize("kind", load_kinds().values(), ids=lambda kind: kind.name)
def test_a_kind_fits_the_actions_that_it_names(kind: Kind, registry: Registry) -> None:
    spec = registry[kind.action].spec
    assert spec.effect != "read"
    assert {*kind.arguments} <= {*spec.properties}
    assert item_schema(kind, registry)["type"] == "object"
    options = {name.removeprefix("options.") for name in holes(kind.arguments) if name.startswith("options.")}
    options |= {"backfill"} & {*kind.options}  # stands in each item
    assert (
        options
        == {name for name, option in kind.options.items() if not option.place}
        == options & {*option_schemas(kind, registry)}
    )
    most = spec.properties[kind.items].get("maxItems")
    assert most is None or kind.chunk.items <= most
    reads = [(kind.follow.action, kind.follow.arguments)] if kind.follow else []
    if kind.follow and kind.follow.errors and kind.follow.errors.action:
        reads.append((kind.follow.errors.action, kind.follow.errors.arguments))
    reads += [(one.action, one.arguments) for one in kind.resolve]
    if kind.look_up:
        reads.append((kind.look_up.action, kind.look_up.arguments))
        reads += [(kind.look_up.jobs, kind.look_up.jobs_arguments)] if kind.look_up.jobs else []
    reads += [(option.there, {"id": "x"}) for option in kind.options.values() if option.there]
    for name, arguments in reads:
        assert registry[name].spec.effect == "read"
        assert {*arguments} <= {*registry[name].spec.properties}


def test_a_key_is_made_from_the_row_and_is_the_same_each_time() -> None:
    kind = load_kinds()["events"]
    first = {"profile": {"email": "ada@example.org"}, "event": {"metric": {"name": "Visited"}}}
    again = {"event": {"metric": {"name": "Visited"}}, "profile": {"email": "ada@example.org"}}
    own = {"event": {"metric": {"name": "Visited"}, "unique_id": "mine"}}
    for body in (first, again, own):
        kind.complete(body)
    assert first["event"]["unique_id"] == again["event"]["unique_id"] != "mine"
    assert own["event"]["unique_id"] == "mine"
    (group,) = fill(kind.arguments, {"items": [first], "options": {"backfill": True}})["groups"]
    assert (group["backfill"], len(group["events"])) == (True, 1)
