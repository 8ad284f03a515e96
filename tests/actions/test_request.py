"""From arguments to an HTTP request: encoding, holes that vanish, null that stays, nothing that leaks into a path."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from tests.catalogue import REGISTRY

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.request import ABSENT, build, fill
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Action, Registry

text = st.text(st.characters(exclude_categories=["Cs"]))
ids = text.filter(lambda value: value.strip() not in ("", ".", ".."))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


def action(request: dict[str, Any], **properties: Any) -> Action:
    return Action(
        ActionSpec.model_validate(
            {
                "name": "try_it",
                "title": "Try it",
                "summary": "An action for a test.",
                "description": "Only there to be built in a test.",
                "effect": "write",
                "idempotent": False,
                "input_schema": {"type": "object", "properties": properties, "additionalProperties": False},
                "request": {"method": "POST", "path": "/api/things", **request},
                "result": {"kind": "resource"},
                "toolset": "tests",
            }
        )
    )


@given(ids)
def test_whatever_an_id_holds_it_stays_one_segment_of_the_path(value: str) -> None:
    arguments = check_arguments(REGISTRY["get_coupon"], {"id": value}).arguments
    path = build(REGISTRY["get_coupon"], arguments).path
    assert path.count("/") == 3
    assert not set("?#%/ ").intersection(path.rsplit("/", 1)[1].replace("%", ""))
    assert unquote(path.rsplit("/", 1)[1]) == value


@given(st.dictionaries(st.sampled_from(["page[size]", "fields[campaign-message]", "sort"]), text.filter(bool)))
def test_whatever_a_query_value_holds_it_arrives_as_it_is(values: dict[str, str]) -> None:
    names = {key: f"a{index}" for index, key in enumerate(values)}
    tried = action({"query": {key: f"${name}" for key, name in names.items()}}, **{name: {} for name in names.values()})
    target = build(tried, {names[key]: value for key, value in values.items()}).target
    assert target.isascii()
    assert parse_qsl(urlsplit(target).query, keep_blank_values=True, strict_parsing=bool(values)) == list(
        values.items()
    )


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), json_values))
def test_what_is_given_is_sent_and_what_is_absent_vanishes(arguments: dict[str, Any]) -> None:
    template = {
        "data": {"type": "x", "attributes": {"a": "$a", "b": "$b", "in": {"c": "$c", "kind": "k"}}, "d": ["$d"]}
    }
    body = build(action({"body": template}, a={}, b={}, c={}, d={}), arguments).body
    attributes = body["data"]["attributes"]
    assert body["data"]["type"] == "x"
    assert {key: attributes[key] for key in ("a", "b") if key in attributes} == {
        key: arguments[key] for key in ("a", "b") if key in arguments
    }
    assert attributes.get("in") == ({"c": arguments["c"], "kind": "k"} if "c" in arguments else None)
    assert body["data"].get("d") == ([arguments["d"]] if "d" in arguments else None)


@given(st.lists(st.fixed_dictionaries({}, optional={"email": text | st.none(), "id": text}), max_size=20))
def test_each_item_of_a_list_fills_a_template_of_its_own(items: list[dict[str, Any]]) -> None:
    template = {
        "data": {"$each": "$items", "$do": {"type": "profile", "id": "$item.id", "at": {"email": "$item.email"}}}
    }
    body = build(action({"body": template}, items={}), {"items": items}).body
    for item, made in zip(items, body["data"], strict=True):
        assert made.get("id", ABSENT) == item.get("id", ABSENT)
        assert made.get("at", ABSENT) == ({"email": item["email"]} if "email" in item else ABSENT)


def test_thousands_of_items_are_no_trouble() -> None:
    wanted = [f"01J{index:05}" for index in range(1000)]
    body = build(REGISTRY["add_profiles_to_list"], {"id": "L", "profile_ids": wanted}).body
    assert [item["id"] for item in body["data"]] == wanted


def test_null_is_sent_for_what_is_cleared(request_of) -> None:
    body = request_of("update_profile", id="01JCW4R8P3M7V1X5Z9C2F6H0KQ", clear=["title"], first_name="Ada")["body"]
    assert body["data"]["attributes"] == {"first_name": "Ada", "title": None}


def test_an_optional_relationship_leaves_no_empty_envelope(request_of) -> None:
    body = request_of(
        "create_campaign", name="X", audiences={"included": ["VbT4kM"]}, messages=[{"channel": "sms", "body": "Hi"}]
    )["body"]
    (message,) = body["data"]["attributes"]["campaign-messages"]["data"]
    assert message == {
        "type": "campaign-message",
        "attributes": {"definition": {"channel": "sms", "content": {"body": "Hi"}}},
    }


def test_the_envelope_of_a_body_stays_when_every_attribute_is_absent() -> None:
    tried = action({"body": {"data": {"type": "x", "id": "1", "attributes": {"a": "$a"}}}}, a={})
    assert build(tried, {}).body == {"data": {"type": "x", "id": "1", "attributes": {}}}


def test_lists_join_and_forms_build_values() -> None:
    values = {"a": ["1", "2"], "b": ["2", "3"]}
    assert fill({"all": {"$concat": ["$a", "$b", "$c"]}}, values) == {"all": ["1", "2", "3"]}
    assert fill({"all": {"$concat": ["$c"]}, "more": "$$literal"}, values) == {"more": "$literal"}


def test_a_filter_of_the_spec_and_one_of_the_caller_are_joined(request_of) -> None:
    path = request_of(
        "get_campaigns", channel="email", filter=[{"field": "name", "operator": "contains", "value": "50% off"}]
    )["path"]
    query = dict(parse_qsl(urlsplit(path).query))
    assert query["filter"] == 'equals(messages.channel,"email"),contains(name,"50% off")'


def test_sparse_fields_and_paging_go_into_klaviyos_own_parameters(request_of) -> None:
    path = request_of("get_profiles", profile_fields=["email", "location.city"], page_size=5, cursor="abc==")["path"]
    assert dict(parse_qsl(urlsplit(path).query)) == {
        "page[size]": "5",
        "page[cursor]": "abc==",
        "fields[profile]": "email,location.city",
    }


def test_an_extra_quota_counts_only_when_its_argument_asks_for_it() -> None:
    profiles = REGISTRY["get_profiles"]
    plain = build(profiles, {}).buckets
    more = build(profiles, {"additional_profile_fields": ["predictive_analytics"]}).buckets
    assert {bucket.name for bucket in plain} == {"get_profiles"}
    assert {bucket.name for bucket in more} - {"get_profiles"} == {"additional-fields[profile]=predictive_analytics"}


def test_a_relationship_is_cleared_as_json_api_wants_it(request_of) -> None:
    arguments = {"id": "revenue", "custom_metric_id": "01JCZ4V7Q9M2R5T8W1Y3B6D0FK", "clear": ["metric_id"]}
    related = request_of("update_mapped_metric", **arguments)["body"]["data"]["relationships"]
    assert related["metric"] == {"data": None}
    assert related["custom-metric"]["data"]["id"] == arguments["custom_metric_id"]


def test_no_action_sends_a_resource_whose_id_is_null(registry: Registry) -> None:
    from klaviyo_mcp.registry.holes import holes

    def without_id(value: Any) -> bool:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return (isinstance(value, dict) and value.keys() == {"type", "id"} and value["id"] is None) or any(
            without_id(part) for part in inner
        )

    for action in registry.actions:
        if action.http is not None and action.http.body:
            nulls = {name.partition(".")[0]: None for name in holes(action.http.body)}
            assert not without_id(fill(action.http.body, nulls)), action.name
