"""What a server exposes and what its policy allows: flags, files, and the rules that they make."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.confirmation import Confirmations
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError, Stopped
from klaviyo_mcp.actions.policy import Cap, Policy, Rule, RuleBroken
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.exposure import Exposure, ExposureError, Wanted, parse_exposure
from klaviyo_mcp.runtime.policy import PolicyError, read_policy
from klaviyo_sandbox import API_KEY, create_app

DOCS = Path(__file__).parents[2] / "docs" / "policy.md"
EMAILS = [f"person{index}@example.org" for index in range(30)]


def shown(registry: Registry, **flags: str) -> set[str]:
    exposure = parse_exposure(Wanted(**flags), registry)
    return {action.name for action in registry.actions if exposure.shows(action)}


def test_expose_and_toolsets_are_the_same(registry) -> None:
    assert shown(registry, expose="lists,tags") == shown(registry, toolsets="lists,tags")
    assert shown(registry, toolsets="catalog*") == shown(registry, expose="catalogs")
    assert shown(registry) == {action.name for action in registry.actions}


def test_the_strictest_of_all_flags_wins(registry) -> None:
    lists = shown(registry, expose="lists")
    assert shown(registry, expose="lists,tags", toolsets="lists") == lists
    reads = shown(registry, expose="lists", actions="get_*")
    assert reads == {name for name in lists if name.startswith("get_")}
    assert shown(registry, expose="lists", actions="get_*", exclude="get_list") == reads - {"get_list"}


def test_an_alias_names_its_action(registry) -> None:
    alias, action = next((alias, action) for action in registry.actions for alias in action.spec.aliases)
    assert shown(registry, actions=alias) == {action.name}


def test_what_is_excluded_is_no_part_of_anything_else(registry) -> None:
    left = shown(registry, exclude="add_profiles_to_list")
    assert "add_profiles_to_list" not in left
    assert "add_profile_to_list" not in left
    assert "remove_profile_from_list" in left


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"toolsets": "list"}, "--toolsets: there is no toolset 'list'; did you mean 'lists'?"),
        ({"expose": "list"}, "--expose: there is no toolset 'list'; did you mean 'lists'?"),
        ({"actions": "send_campain"}, "--actions: there is no action 'send_campain'; did you mean 'send_campaign'?"),
        ({"exclude": "delte_*"}, "--exclude: no action fits 'delte_*'"),
        ({"exclude": " , "}, "--exclude needs names"),
        ({"exclude": "*"}, "leave no action"),
        ({"toolsets": "lists", "actions": "send_campaign"}, "leave no action"),
    ],
)
def test_names_that_stand_for_nothing_are_errors(registry, flags, told) -> None:
    with pytest.raises(ExposureError, match=re.escape(told)):
        parse_exposure(Wanted(**flags), registry)


# The file


@pytest.fixture
def policy(registry, tmp_path):
    def read(text: str) -> Policy:
        path = tmp_path / "policy.yaml"
        path.write_text(text)
        return read_policy(path, registry)

    return read


def rules(*lines: str) -> str:
    return "version: 1\nrules:\n" + "\n".join(f"  - {line}" for line in lines) + "\n"


def test_the_example_of_the_docs_is_a_policy(policy) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert [rule.name for rule in policy(example).rules] == ["no-deletions", "sending", "small-batches"]


WRONG = {
    "read_only: false\nversion: 1\nrules: []": "read_only: there is no such key; a policy can only narrow",
    "expose: all\nversion: 1\nrules: []": "expose: there is no such key; a policy can only narrow",
    rules("{name: a, actions: ['*'], forbid: false}"): "can only be true: a policy can only narrow",
    rules("{name: a, actions: ['*'], confirm: never}"): "can only be true: a policy can only narrow",
    rules("{name: a, actions: ['*'], allow: true}"): "rules.0.allow: there is no such key",
    rules("{name: a, actions: ['*'], forbit: true}"): "did you mean 'forbid'?",
    rules("{name: a, actions: ['*']}"): "says something of them",
    rules("{name: a, forbid: true}"): "states what it is about",
    rules("{name: a, actions: [delete_lst], forbid: true}"): "rule 'a': there is no action 'delete_lst'; did you mean",
    rules("{name: a, actions: [dele_*], forbid: true}"): "rule 'a': no action fits 'dele_*'",
    rules("{name: a, toolsets: [list], forbid: true}"): "there is no toolset 'list'; did you mean 'lists'?",
    rules("{name: a, toolsets: [lists], actions: [send_campaign], forbid: true}"): "no action fits all that it states",
    rules("{name: a, actions: [get_lists], effects: [write], forbid: true}"): "no action fits all that it states",
    rules("{name: a, actions: ['*'], items_per_call: -1}"): "items_per_call",
    rules("{name: a, actions: ['*'], items_per_call: '5'}"): "items_per_call",
    rules("{name: a, actions: ['*'], forbid: true}", "{name: a, actions: ['*'], confirm: true}"): "two rules named 'a'",
    rules("{name: a, name: b, actions: ['*'], forbid: true}"): "stands here twice",
    "version: 2\nrules: []": "version",
    "rules: []": "version",
    "- forbid": "one mapping",
    "a: [": "not valid YAML",
}


@pytest.mark.parametrize("text", WRONG, ids=[*WRONG.values()])
def test_a_file_that_widens_or_is_wrong_is_refused(policy, text) -> None:
    with pytest.raises(PolicyError, match=re.escape(WRONG[text])) as error:
        policy(text)
    assert "KLAVIYO_MCP_POLICY" in str(error.value)


def test_a_file_that_is_not_there_is_told(registry, tmp_path) -> None:
    with pytest.raises(ExposureError, match="cannot be read"):
        parse_exposure("all", registry, policy=tmp_path / "none.yaml")
    with pytest.raises(ExposureError, match="cannot be read"):
        parse_exposure("all", registry, policy=tmp_path)


# What rules do


class Shop:
    """A sandbox of its own, whose requests are noted, and what a policy lets be done to it."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.sent: list[str] = []
        inner = httpx2.ASGITransport(app=create_app(rate_limits=False, profiles=5))

        sent = self.sent

        class Noting(httpx2.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
                if request.method != "GET":
                    sent.append(f"{request.method} {request.url.path}")
                return await inner.handle_async_request(request)

        endpoint = Endpoint("http://sandbox", HttpPool(Noting()), pace=False)
        self.account: Account = open_account("sandbox", endpoint, api_key=API_KEY)
        self.engine = Engine(registry)

    async def run(self, name: str, /, **arguments: Any):
        return await self.engine.run(Call(name, arguments), self.account)

    async def refused(self, name: str, /, **arguments: Any) -> str:
        before = len(self.sent)
        with pytest.raises(RuleBroken) as error:
            await self.run(name, **arguments)
        assert len(self.sent) == before, "something was sent"
        return error.value.message

    async def new_list(self) -> str:
        return (await Engine(self.registry).run(Call("create_list", {"name": "New"}), self.account)).records[0]["id"]


@pytest.fixture
def shop(registry, policy):
    def ruled(*lines: str) -> Shop:
        made = Shop(registry)
        made.engine = Engine(registry, policy=policy(rules(*lines)))
        return made

    return ruled


async def test_what_is_forbidden_is_refused_with_the_rule(shop) -> None:
    one = shop("{name: no-deletions, actions: ['delete_*'], forbid: true, why: Ask the data team.}")
    told = await one.refused("delete_list", id="VbT4kM")
    assert told == (
        "delete_list is not allowed on this server, by rule 'no-deletions' of the policy. Ask the data team."
    )
    await one.run("get_lists")


async def test_a_part_of_an_action_is_refused_before_anything_is_sent(shop) -> None:
    one = shop("{name: stay, actions: [add_profiles_to_list], forbid: true}")
    group = await one.new_list()
    told = await one.refused("add_profile_to_list", list_id=group, emails=EMAILS, create_missing=True)
    assert "rule 'stay'" in told


async def test_what_an_action_picks_is_refused_and_the_rest_is_not(shop) -> None:
    one = shop("{name: untagged, actions: [tag_lists], forbid: true}")
    tag = (await one.run("create_tag", name="New")).records[0]["id"]
    group = await one.new_list()
    told = await one.refused("create_tag_relationships", id=tag, related="lists", ids=[group])
    assert told.startswith("tag_lists is not allowed on this server, by rule 'untagged'")
    flow = (await one.run("get_flows")).records[0]["id"]
    await one.run("create_tag_relationships", id=tag, related="flows", ids=[flow])


async def test_what_is_looked_up_for_a_rule_is_not_forbidden(shop) -> None:
    one = shop("{name: no-reads, actions: ['get_*'], forbid: true}")
    group = await one.new_list()
    await one.run("delete_list", id=group)
    assert one.sent[-1] == f"DELETE /api/lists/{group}"
    assert "rule 'no-reads'" in await one.refused("get_list", id=group)


async def test_items_are_capped_per_call(shop) -> None:
    one = shop("{name: few, effects: [write], items_per_call: 10}")
    profiles = [{"email": email} for email in EMAILS]
    told = await one.refused("bulk_import_profiles", profiles=profiles[:11])
    assert told == (
        "bulk_import_profiles was not carried out: it changes 11 items, and 10 per call are allowed, by rule 'few' of "
        "the policy."
    )
    await one.run("bulk_import_profiles", profiles=profiles[:10])


async def test_items_of_a_composite_are_counted_together_and_before_the_first_is_sent(shop) -> None:
    one = shop("{name: few, actions: [add_profile_to_list], items_per_call: 10}")
    group = await one.new_list()
    known = [
        (await Engine(one.registry).run(Call("create_profile", {"email": e}), one.account)).records for e in EMAILS
    ]
    ids = [records[0]["id"] for records in known]
    assert "30 items" in await one.refused("add_profile_to_list", list_id=group, profile_ids=ids)
    assert "30 items" in await one.refused("add_profile_to_list", list_id=group, emails=EMAILS)
    await one.run("add_profile_to_list", list_id=group, emails=EMAILS[:10])


async def test_what_shows_while_an_action_runs_stops_it_and_says_what_was_done(shop) -> None:
    one = shop("{name: few, actions: [add_profile_to_list], items_per_call: 5}")
    group = await one.new_list()
    with pytest.raises(Stopped, match="rule 'few'") as stopped:
        await one.run("add_profile_to_list", list_id=group, emails=EMAILS[:4], create_missing=True)
    assert stopped.value.done["created"] == 4


async def test_a_day_has_so_many_and_what_was_refused_does_not_count(shop) -> None:
    one = shop("{name: daily, actions: [create_list], items_per_day: 2}")
    for name in ("One", "Two"):
        await one.run("create_list", name=name)
    told = await one.refused("create_list", name="Three")
    assert "to the 2 items of today it would add 1, and 2 per day are allowed" in told
    other = Shop(one.registry)
    other.engine = one.engine
    other.account = open_account("other", Endpoint("http://sandbox", pace=False), api_key="pk_sandbox_other")
    with pytest.raises(Exception, match=r".") as error:  # another account has its own day, and no Klaviyo
        await other.run("create_list", name="Three")
    assert not isinstance(error.value, RuleBroken)


async def test_a_request_that_klaviyo_refuses_is_given_back(shop) -> None:
    one = shop("{name: daily, actions: [create_profile], items_per_day: 2}")
    await one.run("create_profile", email="twice@example.org")
    for _ in range(3):
        with pytest.raises(Exception, match=r"duplicate|exists"):
            await one.run("create_profile", email="twice@example.org")
    await one.run("create_profile", email="once@example.org")
    assert "rule 'daily'" in await one.refused("create_profile", email="third@example.org")


async def test_people_are_counted_as_they_were_looked_up(shop) -> None:
    drafts = {"channel": "email", "filter": [{"field": "status", "operator": "equals", "value": "Draft"}]}
    one = shop("{name: small, actions: [send_campaign], recipients_per_call: 0}")
    found = await one.run("get_campaigns", **drafts)
    told = await one.refused("send_campaign", id=found.records[0]["id"])
    assert "rule 'small'" in told
    assert "people" in told or "recipients" in told


async def test_people_are_counted_as_they_are_named(shop) -> None:
    one = shop("{name: small, actions: ['*'], recipients_per_call: 3, recipients_per_day: 4}")
    people = [{"email": email} for email in EMAILS]
    assert "4 recipients" in await one.refused("bulk_import_profiles", profiles=people[:4])
    await one.run("bulk_import_profiles", profiles=people[:3])
    assert "today" in await one.refused("bulk_import_profiles", profiles=people[:2])
    await one.run("create_list", name="Nobody")


# Whatever the rules, they only narrow


def any_rule(registry: Registry) -> st.SearchStrategy[Rule]:
    names = st.frozensets(st.sampled_from([action.name for action in registry.actions]), min_size=1, max_size=40)
    effects = st.frozensets(st.sampled_from(["read", "write", "destructive"]), min_size=1)
    cap = st.builds(Cap, st.sampled_from(["items", "recipients"]), st.sampled_from(["call", "day"]), st.integers(0, 3))
    caps = st.lists(cap, max_size=2).map(tuple)
    return st.builds(
        Rule, st.just("a"), st.just("a"), names | st.none(), effects | st.none(), st.booleans(), st.booleans(), caps
    )


@settings(max_examples=60)
@given(data=st.data())
def test_no_policy_shows_plans_or_confirms_what_would_not_be_without(registry: Registry, data) -> None:
    policy = Policy(tuple(data.draw(st.lists(any_rule(registry), min_size=1, max_size=4))))
    open_, ruled = Exposure(read_only=True), Exposure(read_only=True, policy=policy)
    assert {one.name for one in registry.actions if ruled.shows(one)} <= {
        one.name for one in registry.actions if open_.shows(one)
    }
    plain = Engine(registry, confirmations=Confirmations("destructive"))
    narrowed = Engine(registry, confirmations=Confirmations("destructive"), policy=policy)
    for action in data.draw(st.lists(st.sampled_from(registry.actions), max_size=20)):
        call = Call(action.name, action.spec.examples[0].arguments)
        try:
            allowed = plain.plan(call)
        except ActionError:
            with pytest.raises(ActionError):
                narrowed.plan(call)
            continue
        try:
            still = narrowed.plan(call)
        except RuleBroken:
            continue
        assert still.effect == allowed.effect
        assert policy.forbidding(action, still.effect) is None
        if plain.waits_for(allowed):
            assert narrowed.waits_for(still)
