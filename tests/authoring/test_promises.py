"""What the last release promised of names, arguments and effects is kept, and what goes away says so first."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue import CATALOGUE

from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.answers.discovery import described
from klaviyo_mcp.answers.notes import notes
from klaviyo_mcp.authoring.indexes import action_index
from klaviyo_mcp.authoring.promises import broken, promise, written
from klaviyo_mcp.cli.specs import promised_now
from klaviyo_mcp.registry.deprecation import Deprecation
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.tools.listing import as_tool

RELEASED = Path(__file__).parents[1] / "released"
ACTION: dict[str, Any] = {
    "aliases": ["find_thing"],
    "effect": "write",
    "arguments": {
        "id": {"types": ["string"], "required": True},
        "kind": {"types": ["string"], "values": ["a", "b"]},
        "old": {"types": ["string"], "deprecated": "0.1.0"},
        "any": {"types": []},
    },
}


def test_everything_that_the_last_release_promised_is_kept() -> None:
    last = max(RELEASED.glob("*.json"), key=lambda path: [int(part) for part in path.stem.split(".")])
    assert list(broken(json.loads(last.read_bytes()), promised_now())) == []


def test_a_file_of_promises_is_read_back_as_it_was_written() -> None:
    now = promised_now()
    assert now["run_read_action"]["effect"] == "read"
    assert now["find_actions"]["arguments"]["query"]["required"]
    assert json.loads(written(now)) == now
    assert written(now).count("\n") == len(now) + 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda new: new.pop("get_thing"), "get_thing is gone"),
        (lambda new: new["get_thing"].update(aliases=[]), "find_thing is gone"),
        (lambda new: new["get_thing"].update(effect="destructive"), "was write and is destructive"),
        (lambda new: new["get_thing"]["arguments"].pop("kind"), "get_thing.kind is gone"),
        (lambda new: new["get_thing"]["arguments"]["kind"].update(required=True), "kind has become required"),
        (lambda new: new["get_thing"]["arguments"]["id"].update(types=["integer"]), "takes less than before: string"),
        (lambda new: new["get_thing"]["arguments"]["any"].update(types=["string"]), "it took any type"),
        (lambda new: new["get_thing"]["arguments"]["kind"].update(values=["a"]), "fewer values than before: b"),
        (lambda new: new["get_thing"]["arguments"]["id"].update(values=["a"]), "fewer values than before: it took any"),
        (lambda new: new["get_thing"]["arguments"].update(new={"types": [], "required": True}), "is new and required"),
    ],
)
def test_what_breaks_a_promise_is_told(change, told: str) -> None:
    new = {"get_thing": deepcopy(ACTION)}
    change(new)
    assert told in " ".join(broken({"get_thing": ACTION}, new))


@pytest.mark.parametrize(
    "change",
    [
        lambda new: new["get_thing"]["arguments"].pop("old"),
        lambda new: new["get_thing"]["arguments"].update(more={"types": ["string"]}),
        lambda new: new["get_thing"]["arguments"]["kind"].update(values=["a", "b", "c"], types=["string", "null"]),
        lambda new: new["get_thing"]["arguments"]["id"].pop("required"),
        lambda new: new["get_thing"].update(effect="read"),
        lambda new: new.update(thing={**new.pop("get_thing"), "aliases": ["get_thing", "find_thing"]}),
    ],
)
def test_what_only_adds_breaks_nothing(change) -> None:
    new = {"get_thing": deepcopy(ACTION)}
    change(new)
    assert list(broken({"get_thing": ACTION}, new)) == []


def test_what_was_deprecated_may_be_gone() -> None:
    assert list(broken({"get_thing": {**ACTION, "deprecated": "0.1.0"}}, {})) == []


def test_what_goes_away_is_told_wherever_it_is_shown() -> None:
    told = Deprecation(since="0.2.0", says="Use get_segments.", use="get_segments")
    fields = Deprecation(since="0.3.0", says="Use fields instead.")
    known = next(spec for spec in CATALOGUE if spec.name == "get_lists")
    spec = known.model_copy(update={"deprecated": told, "deprecated_arguments": {"sort": fields}})
    action = Action(spec)
    tool = as_tool(action)
    assert tool["description"].startswith("Deprecated since 0.2.0: Use get_segments.\n")
    assert tool["inputSchema"]["properties"]["sort"]["description"].startswith("Deprecated since 0.3.0: ")
    assert described(action, Registry([spec])).data["summary"].startswith("Deprecated since 0.2.0: ")
    assert "| Deprecated since 0.2.0: Use get_segments. " in action_index([spec])
    assert notes(Outcome(action, {"sort": "name"}))["notes"] == [
        "get_lists: Deprecated since 0.2.0: Use get_segments.",
        "sort: Deprecated since 0.3.0: Use fields instead.",
    ]
    assert promise(Registry([spec]))["get_lists"]["arguments"]["sort"]["deprecated"] == "0.3.0"
