"""What guides say holds: their examples are calls that the actions take, and their segments hold whom they say."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.sandbox.conftest import START, Talk

from klaviyo_mcp.answers.guiding import guide_asked_for
from klaviyo_mcp.answers.kept_answers import KeptAnswer
from klaviyo_mcp.answers.reading_more import read_on
from klaviyo_mcp.registry.guides import guides, guides_of
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_names import READ_MORE
from klaviyo_mcp.tools.own_arguments import checked

LARGEST = 6_000
"""Bytes of one guide."""
BLOCK = re.compile(r"```json (\w+)\n(.*?)```", re.DOTALL)
NAMED = re.compile(
    r"`((?:add|assign|bulk|cancel|clone|create|delete|get|merge|query|refresh|remove|render|send|update)_[a-z_]+)`"
)
EXAMPLES = [
    pytest.param(action, json.loads(text), id=f"{guide.topic}-{number}-{action}")
    for guide in guides().values()
    for number, (action, text) in enumerate(BLOCK.findall(guide.text))
    if action != READ_MORE
]
SEGMENTS = {
    example.values[1]["name"]: example.values[1]["definition"]
    for example in EXAMPLES
    if example.values[0] == "create_segment"
}


def test_there_is_a_guide_on_what_agents_ask_about() -> None:
    assert [*guides()] == [
        "answers",
        "campaigns",
        "consent",
        "filters",
        "flows",
        "imports",
        "limits",
        "reports",
        "segments",
    ]


@pytest.mark.parametrize("topic", guides())
def test_a_guide_is_short_and_names_actions_that_exist(topic: str, registry: Registry) -> None:
    guide = guides()[topic]
    assert len(guide.text.encode()) <= LARGEST
    assert "```json\n" not in guide.text, "a block says which action takes it"
    arguments = {name for action in registry.actions for name in action.spec.properties}
    named = {*guide.actions, *NAMED.findall(guide.text)} - arguments
    assert {name for name in named if name not in registry.by_name} == set()
    mentioned = re.findall(r"guide:(\w+)", guide.text)
    assert set(mentioned) <= guides().keys()
    assert all(guide in guides_of(action) for action in guide.actions)


@pytest.mark.parametrize(("action", "arguments"), EXAMPLES)
def test_an_example_is_a_call_that_the_action_takes(
    action: str, arguments: dict[str, Any], problems: Callable[..., list[str]]
) -> None:
    assert problems(action, **arguments) == []


def test_the_guide_of_read_more_is_short_and_its_examples_are_answered() -> None:
    guide = guides()["answers"]
    assert len(guide.text.encode()) <= 2_048
    events: list[dict[str, Any]] = [
        {"metric": {"name": "Placed Order"}, "datetime": f"2026-0{month}-03T10:00:00+00:00", "value": value}
        for month, value in ((1, 120.5), (1, 80), (2, 300))
    ]
    whole = {"count": 4, "records": [*events, {"metric": {"name": "Opened Email"}, "datetime": "2026-02-01T00:00:00Z"}]}
    kept = KeptAnswer("ID", "get_events", datetime.now(UTC), whole)
    found: list[dict[str, Any]] = []
    for tool, text in BLOCK.findall(guide.text):
        assert tool == READ_MORE
        found.append(read_on(kept, checked(READ_MORE, json.loads(text)), 6_000).data)
    largest, groups, number = found
    assert [record["value"] for record in largest["records"]] == [300, 120.5]
    assert groups["rows"][0]["group"] == {"metric.name": "Placed Order", "datetime:month": "2026-02"}
    assert [row["sum"]["value"] for row in groups["rows"]] == [300, 200.5, None]
    assert number["count"] == 3


@pytest.mark.parametrize("name", ["read_more", " guide:answers", "klaviyo://guides/answers"])
def test_read_more_is_described_by_its_guide(name: str, registry: Registry) -> None:
    guide = guide_asked_for(name, registry)
    assert guide is not None
    assert "group_by" in guide.data["text"]


EMAILS = ("Received Email", "Opened Email", "Clicked Email")


@pytest.fixture(scope="module")
def shop() -> Iterator[Talk]:
    """A demo shop large enough for each of the segments to have somebody in it."""
    talk = Talk(profiles=200)
    yield talk
    talk.close()


@pytest.fixture(scope="module")
def metrics(shop: Talk) -> dict[str, str]:
    return {metric["attributes"]["name"]: metric["id"] for metric in shop.walk("/api/metrics")}


def with_ids(value: Any, ids: dict[str, str]) -> Any:
    """An example with the ids of the demo shop in place of its own."""
    return json.loads(re.sub(r'"(\w{6})"', lambda word: f'"{ids.get(word[1], word[1])}"', json.dumps(value)))


@pytest.mark.parametrize("name", SEGMENTS)
def test_a_segment_holds_whom_it_is_said_to_hold(name: str, shop: Talk, metrics: dict[str, str]) -> None:
    stand_ins = dict(zip(("UxK3nD", "RcV7mL", "OpN4tK", "CkD6rT"), ("Placed Order", *EMAILS), strict=True))
    ids = {ours: metrics[theirs] for ours, theirs in stand_ins.items()} | {"VbT4kM": newsletter(shop)}
    definition = with_ids(SEGMENTS[name], ids)
    body = {"data": {"type": "segment", "attributes": {"name": name, "definition": definition}}}
    made = shop.post("/api/segments", body)
    assert made.status_code == 201, made.text
    shop.clock.advance(10)
    members = {member["id"] for member in shop.walk(f"/api/segments/{made.json()['data']['id']}/profiles")}
    everybody, wanted = computed(name, shop, metrics)
    assert members == wanted
    assert 0 < len(members) < everybody


def newsletter(shop: Talk) -> str:
    return next(one["id"] for one in shop.walk("/api/lists") if one["attributes"]["name"] == "Newsletter")


def computed(name: str, shop: Talk, metrics: dict[str, str]) -> tuple[int, set[str]]:
    """How many people there are, and who belongs into a segment, from events and consent alone."""

    def events(metric: str, days: int | None = None) -> Iterator[dict[str, Any]]:
        since = START - timedelta(days=days) if days else datetime.min.replace(tzinfo=START.tzinfo)
        for event in shop.walk(f'/api/events?filter=equals(metric_id,"{metrics[metric]}")&page[size]=200'):
            if datetime.fromisoformat(event["attributes"]["datetime"]) >= since:
                yield event

    def times(metric: str, days: int | None = None) -> Counter[str]:
        return Counter(who(event) for event in events(metric, days))

    profiles = shop.walk("/api/profiles?additional-fields[profile]=subscriptions&page[size]=100")
    people = {profile["id"]: profile["attributes"] for profile in profiles}
    found: set[str]
    if name == "Repeat buyers 90d":
        orders = times("Placed Order", 90)
        found = {person for person, about in people.items() if orders[person] >= 2 and subscribed(about)}
    elif name == "One order, none in 180 days":
        orders, lately = times("Placed Order"), times("Placed Order", 180)
        found = {person for person in people if orders[person] == 1 and lately[person] == 0}
    elif name == "Not engaged 180d":
        had, opened, clicked = (times(metric, 180) for metric in EMAILS)
        members = {member["id"] for member in shop.walk(f"/api/lists/{newsletter(shop)}/profiles?page[size]=100")}
        found = {person for person in members if had[person] and not opened[person] and not clicked[person]}
    elif name == "Never ordered":
        found = people.keys() - times("Placed Order")
    else:
        assert name == "VIP by value"
        spent: Counter[str] = Counter()
        for event in events("Placed Order"):
            spent[who(event)] += round(event["attributes"]["event_properties"]["$value"] * 100)
        found = {person for person in people if spent[person] >= 50_000}
    return len(people), found


def who(event: dict[str, Any]) -> str:
    return event["relationships"]["profile"]["data"]["id"]


def subscribed(about: dict[str, Any]) -> bool:
    marketing = about["subscriptions"]["email"]["marketing"]
    return marketing["can_receive_email_marketing"] and marketing["consent"] == "SUBSCRIBED"


def test_the_flow_with_a_split_is_made_as_it_stands(shop: Talk, metrics: dict[str, str]) -> None:
    (arguments,) = [example.values[1] for example in EXAMPLES if example.values[0] == "create_flow"]
    templates = [template["id"] for template in shop.walk("/api/templates")]
    segment = shop.data("/api/segments")[0]["id"]
    ids = {"Xy7PqL": segment, "UxK3nD": metrics["Placed Order"], "Tq8mWd": templates[0], "Rn5cKp": templates[1]}
    attributes = {name: with_ids(arguments[name], ids) for name in ("name", "definition")}
    made = shop.post(
        "/api/flows?additional-fields[flow]=definition", {"data": {"type": "flow", "attributes": attributes}}
    )
    assert made.status_code == 201, made.text
    flow = made.json()["data"]["attributes"]
    assert flow["status"] == "draft"
    actions = {action["id"]: action for action in flow["definition"]["actions"]}
    (split,) = [action for action in actions.values() if action["type"] == "conditional-split"]
    assert actions[split["links"]["next_if_true"]]["type"] == "send-email"
    assert split["links"]["next_if_false"] is None
