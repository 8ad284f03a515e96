"""How collections and resources are read: documents, links, pages, order, fieldsets, additional fields, inclusion."""

import base64
import json
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

AT_REVISION = "2026-07-15"


def test_a_resource_has_type_id_attributes_relationships_and_a_link_to_itself(shop):
    newsletter = shop.list_id("Newsletter")
    document = shop.get(f"/api/lists/{newsletter}").json()
    assert set(document) == {"data", "links"}
    assert document["links"]["self"] == f"http://sandbox/api/lists/{newsletter}"
    data = document["data"]
    assert (data["type"], data["id"]) == ("list", newsletter)
    assert set(data["attributes"]) == {"name", "created", "updated", "opt_in_process"}
    assert data["links"]["self"] == f"http://sandbox/api/lists/{newsletter}/"
    assert data["relationships"]["profiles"] == {
        "links": {
            "self": f"http://sandbox/api/lists/{newsletter}/relationships/profiles/",
            "related": f"http://sandbox/api/lists/{newsletter}/profiles/",
        }
    }


def test_a_collection_echoes_its_own_address_percent_encoded(shop):
    links = shop.get('/api/lists?filter=equals(name,"VIP customers")&page[size]=2').json()["links"]
    expected = "http://sandbox/api/lists?filter=equals%28name%2C%22VIP%20customers%22%29&page%5Bsize%5D=2"
    assert links == {"self": expected, "next": None, "prev": None}


PAGED = [
    "/api/profiles?page[size]=17",
    "/api/profiles?page[size]=17&sort=email",
    "/api/profiles?page[size]=17&sort=-created",
    "/api/profiles?page[size]=17&sort=-subscriptions.email.marketing.suppression.timestamp",
    "/api/profiles?page[size]=17&sort=subscriptions.email.marketing.suppression.timestamp",
    "/api/events?page[size]=300",
    "/api/events?page[size]=300&sort=timestamp",
    "/api/campaigns?filter=equals(messages.channel,'email')&page[size]=3&sort=scheduled_at",
    "/api/campaigns?filter=equals(messages.channel,'email')&page[size]=3&sort=-scheduled_at",
]


@pytest.mark.parametrize("path", PAGED)
def test_pages_hold_everything_once_in_the_same_order_in_both_directions(shop, path):
    forward = [item["id"] for item in shop.walk(path)]
    assert len(forward) == len(set(forward)) > 3
    opposite = path.replace("sort=-", "sort=") if "sort=-" in path else path.replace("sort=", "sort=-")
    if opposite != path:
        assert [item["id"] for item in shop.walk(opposite)] == forward[::-1]
    # Read to the last page, then follow prev back to the first.
    target, last = path, None
    while target:
        last = shop.get(target).json()
        target = last["links"]["next"]
    backward = []
    while last:
        backward = [item["id"] for item in last["data"]] + backward
        previous = last["links"]["prev"]
        last = shop.get(previous).json() if previous else None
    assert backward == forward


def test_the_next_link_keeps_the_rest_of_the_query(shop):
    links = shop.get("/api/profiles?page[size]=5&sort=-created&fields[profile]=email").json()["links"]
    assert "page%5Bsize%5D=5" in links["next"]
    assert "sort=-created" in links["next"]
    assert "fields%5Bprofile%5D=email" in links["next"]
    assert "page%5Bcursor%5D=" in links["next"]
    page = shop.get(links["next"]).json()
    assert len(page["data"]) == 5
    assert page["links"]["prev"]


def cursor(talk, path):
    """The cursor of the next page, as it is written in the link."""
    (text,) = parse_qs(urlsplit(talk.get(path).json()["links"]["next"]).query)["page[cursor]"]
    return text


def decoded(talk, path):
    text = cursor(talk, path)
    assert "=" not in text
    return base64.b64decode(text + "=" * (-len(text) % 4)).decode()


def test_cursors_are_unpadded_base64_of_a_place_in_the_order(shop):
    assert re.fullmatch(r"next::id::\w{6}", decoded(shop, "/api/lists?page[size]=1"))
    last = shop.data("/api/lists?page[size]=1&sort=-created")[0]
    when = last["attributes"]["created"].replace("T", " ")
    assert decoded(shop, "/api/lists?page[size]=1&sort=-created") == f"next::created::{when}::id::{last['id']}"
    last = shop.data("/api/lists?page[size]=1&sort=name")[0]
    named = f"next::name::{last['attributes']['name']}::id::{last['id']}"
    assert decoded(shop, "/api/lists?page[size]=1&sort=name") == named


def test_cursors_of_events_count_seconds(shop):
    (last,) = shop.data("/api/events?page[size]=1")
    assert json.loads(decoded(shop, "/api/events?page[size]=1")) == [last["attributes"]["timestamp"], last["id"], True]


def test_cursors_of_data_sources_are_ids(sandbox):
    for title in "abc":
        body = {"data": {"type": "data-source", "attributes": {"title": title, "visibility": "private"}}}
        assert sandbox.post("/api/data-sources", body).status_code == 201
    path = "/api/data-sources?page[size]=1"
    assert cursor(sandbox, path) == sandbox.data(path)[0]["id"]
    everything = sandbox.walk(path)
    assert len(everything) >= 3
    second = sandbox.get(sandbox.get(path).json()["links"]["next"]).json()
    assert sandbox.get(second["links"]["prev"]).json()["data"] == everything[:1]


def test_text_that_looks_like_a_cursor_is_a_value_to_read_on_from(sandbox):
    names = ["a::id::b", "a::id::c", "a", "::id::"]
    for name in names:
        sandbox.create_list(name)
    found = [item["attributes"]["name"] for item in sandbox.walk("/api/lists?page[size]=1&sort=name")]
    assert [name for name in found if name in names] == sorted(names)
    assert len(found) == len(set(found))


def test_lists_by_id_come_with_a_link_back_that_leads_nowhere(shop):
    newsletter = shop.list_id("Newsletter")
    links = shop.get(f'/api/lists?filter=any(id,["{newsletter}"])').json()["links"]
    assert "<Filters: any(id," in unquote(links["prev"])
    assert shop.get(links["prev"]).status_code == 400
    assert shop.get('/api/lists?filter=equals(name,"Newsletter")').json()["links"]["prev"] is None


@pytest.mark.parametrize(
    "cursor",
    [
        "garbage",
        "",
        base64.b64encode(b"next::id::").decode(),
        base64.b64encode(b"[1,2]").decode(),
        base64.b64encode(b'["x","y",true]').decode(),
        base64.b64encode(b"next::created::yesterday::id::x").decode(),
    ],
)
def test_a_garbled_cursor_is_refused(shop, cursor):
    for path in ("/api/profiles", "/api/events"):
        error = shop.problem(shop.get(f"{path}?page[cursor]={cursor}"), 400)
        assert error["detail"] == "Invalid cursor provided."
        assert error["source"] == {"parameter": "page[cursor]"}


def test_a_cursor_of_another_order_is_refused(shop):
    link = shop.get("/api/profiles?page[size]=5").json()["links"]["next"]
    assert shop.problem(shop.get(link + "&sort=-created"), 400)["detail"] == "Invalid cursor provided."


@pytest.mark.parametrize(
    ("path", "default", "most"),
    [
        ("/api/profiles", 20, 100),
        ("/api/events", 200, 1000),
        ("/api/lists", 10, 10),
        ("/api/segments", 10, 10),
        ("/api/templates", 10, 10),
        ("/api/flows", 50, 50),
        ("/api/tags", 50, 50),
        ("/api/campaigns?filter=equals(messages.channel,'email')", 100, 100),
    ],
)
def test_page_sizes_have_a_default_and_a_maximum(shop, path, default, most):
    mark = "&" if "?" in path else "?"
    assert len(shop.data(path)) <= default
    assert shop.get(f"{path}{mark}page[size]={most}").status_code == 200
    for wrong in (0, most + 1, "many", "-1", ""):
        error = shop.problem(shop.get(f"{path}{mark}page[size]={wrong}"), 400)
        assert error["source"] == {"parameter": "page[size]"}


def test_metrics_come_without_a_choice_of_page_size(shop):
    error = shop.problem(shop.get("/api/metrics?page[size]=5"), 400)
    assert error["detail"] == "'page_size' is not a valid field for the resource 'metric'."


def test_an_unknown_parameter_is_refused(shop):
    error = shop.problem(shop.get("/api/lists?limit=5"), 400)
    assert error["detail"] == "'limit' is not a valid field for the resource 'list'."
    assert error["source"] == {"parameter": "limit"}
    assert shop.get("/api/lists/ABCDEF?sort=name").status_code == 400


def test_a_parameter_given_twice_is_refused(shop):
    assert shop.get("/api/lists?sort=name&sort=id").status_code == 400


@pytest.mark.parametrize("sort", ["name", "-name", "created", "-created", "id", "-id"])
def test_lists_are_sorted_as_asked(shop, sort):
    field = sort.lstrip("-")
    lists = shop.data(f"/api/lists?sort={sort}")
    values = [item["id"] if field == "id" else item["attributes"][field] for item in lists]
    assert values == sorted(values, reverse=sort.startswith("-"))


def test_an_unsupported_sort_is_refused(shop):
    assert shop.problem(shop.get("/api/lists?sort=colour"), 400)["source"] == {"parameter": "sort"}


def test_a_sparse_fieldset_thins_attributes_and_keeps_relationships(shop):
    for item in shop.data("/api/lists?fields[list]=name,created"):
        assert set(item["attributes"]) == {"name", "created"}
        assert set(item["relationships"]) == {"profiles", "tags", "flow-triggers"}


def test_a_sparse_fieldset_may_name_paths_inside_an_attribute(shop):
    for item in shop.data("/api/profiles?fields[profile]=email,location.city,location.country"):
        assert set(item["attributes"]) == {"email", "location"}
        assert set(item["attributes"]["location"]) == {"city", "country"}
    (account,) = shop.data("/api/accounts?fields[account]=contact_information.street_address.city,timezone")
    assert account["attributes"] == {
        "contact_information": {"street_address": {"city": "Portland"}},
        "timezone": "America/Los_Angeles",
    }


@pytest.mark.parametrize(
    ("path", "parameter", "detail"),
    [
        ("/api/lists?fields[list]=nam", "fields[list]", "'nam' is not a valid field for the resource 'list'."),
        (
            "/api/profiles?fields[profile]=properties.Orders",
            "fields[profile]",
            "'properties.Orders' is not a valid field",
        ),
        ("/api/profiles?fields[profile]=location.planet", "fields[profile]", "'location.planet' is not a valid field"),
        ("/api/lists?fields[list]=profile_count", "fields[list]", "'profile_count' is not a valid field"),
        ("/api/events?include=profile&fields[profile]=subscriptions", "fields[profile]", "'subscriptions' is not"),
        (
            "/api/lists?fields[profile]=email",
            "fields[profile]",
            "'fields_profile' is not a valid field for the resource",
        ),
    ],
)
def test_a_field_that_cannot_be_shown_is_refused(shop, path, parameter, detail):
    error = shop.problem(shop.get(path), 400)
    assert error["source"] == {"parameter": parameter}
    assert error["detail"].startswith(detail)


def test_additional_fields_are_shown_only_when_asked_for(shop):
    newsletter = shop.list_id("Newsletter")
    assert "profile_count" not in shop.data(f"/api/lists/{newsletter}")["attributes"]
    counted = shop.data(f"/api/lists/{newsletter}?additional-fields[list]=profile_count")["attributes"]
    assert counted["profile_count"] == len(shop.walk(f"/api/lists/{newsletter}/profiles"))
    assert counted["name"] == "Newsletter"
    both = shop.data(f"/api/lists/{newsletter}?additional-fields[list]=profile_count&fields[list]=name")["attributes"]
    assert set(both) == {"name", "profile_count"}
    assert shop.problem(shop.get(f"/api/lists/{newsletter}?additional-fields[list]=colour"), 400)


def test_included_resources_come_once_with_their_own_sparse_fieldset(shop):
    document = shop.get("/api/events?page[size]=50&include=profile,metric&fields[metric]=name").json()
    included = [(item["type"], item["id"]) for item in document["included"]]
    assert len(included) == len(set(included))
    wanted = {
        (relation["data"]["type"], relation["data"]["id"])
        for event in document["data"]
        for name, relation in event["relationships"].items()
        if name in ("profile", "metric")
    }
    assert set(included) == wanted
    for item in document["included"]:
        if item["type"] == "metric":
            assert set(item["attributes"]) == {"name"}
            assert set(item["relationships"]) == {"flow-triggers"}
        else:
            assert "email" in item["attributes"]
            assert "subscriptions" not in item["attributes"]


def test_including_a_relation_adds_its_linkage(shop):
    (metric,) = shop.data('/api/metrics?filter=equals(integration.name,"Shopify")&include=flow-triggers')[:1]
    assert isinstance(metric["relationships"]["flow-triggers"]["data"], list)
    plain = shop.data(f"/api/metrics/{metric['id']}")
    assert set(plain["relationships"]["flow-triggers"]) == {"links"}


def test_a_profile_can_bring_its_lists_and_segments(shop):
    maya = shop.profile("maya.lindqvist@example.org")
    document = shop.get(f"/api/profiles/{maya['id']}?include=lists,segments").json()
    names = {item["attributes"]["name"] for item in document["included"] if item["type"] == "list"}
    assert {"Newsletter", "VIP customers", "SMS subscribers"} <= names
    segments = {item["attributes"]["name"] for item in document["included"] if item["type"] == "segment"}
    assert "Repeat customers" in segments
    linked = {item["id"] for item in document["data"]["relationships"]["lists"]["data"]}
    assert linked == {item["id"] for item in shop.data(f"/api/profiles/{maya['id']}/lists")}


def test_an_unknown_include_is_refused(shop):
    error = shop.problem(shop.get("/api/profiles?include=profiless"), 400)
    assert error["detail"] == "'profiless' is not an allowed include parameter for this resource."
    assert error["source"] == {"parameter": "include"}
    assert shop.get("/api/profiles?include=lists").status_code == 400


def test_flows_show_their_definition_and_actions_on_request(shop):
    (flow,) = shop.data('/api/flows?filter=equals(name,"Abandoned cart")')
    assert "definition" not in flow["attributes"]
    document = shop.get(f"/api/flows/{flow['id']}?additional-fields[flow]=definition&include=flow-actions,tags").json()
    definition = document["data"]["attributes"]["definition"]
    assert definition["triggers"] == [{"type": "metric", "id": shop.metric_id("Started Checkout")}]
    actions = [item for item in document["included"] if item["type"] == "flow-action"]
    assert {action["id"] for action in actions} == {action["id"] for action in definition["actions"]}
    picked = shop.get(f"/api/flows/{flow['id']}?include=flow-actions&fields[flow-action]=definition.type").json()
    assert all(set(item["attributes"]["definition"]) == {"type"} for item in picked["included"])


def test_a_metric_names_the_flows_it_triggers(shop):
    document = shop.get(f"/api/metrics/{shop.metric_id('Placed Order')}?include=flow-triggers").json()
    assert {item["attributes"]["name"] for item in document["included"]} == {"Order thank-you", "Win-back"}
    assert document["data"]["attributes"]["integration"]["name"] == "Shopify"


def test_a_drag_and_drop_template_has_a_definition(shop):
    templates = shop.data("/api/templates?additional-fields[template]=definition")
    assert {template["attributes"]["editor_type"] for template in templates} == {
        "CODE",
        "USER_DRAGGABLE",
        "SYSTEM_DRAGGABLE",
    }
    for template in templates:
        definition = template["attributes"]["definition"]
        assert (definition is not None) == (template["attributes"]["editor_type"] == "SYSTEM_DRAGGABLE")
        assert "<head>" in template["attributes"]["html"]


def test_segments_know_their_size_and_definition(shop):
    (segment,) = shop.data('/api/segments?filter=equals(name,"Repeat customers")')
    assert segment["attributes"]["is_active"] is True
    (group,) = segment["attributes"]["definition"]["condition_groups"]
    assert group["conditions"][0]["metric_id"] == shop.metric_id("Placed Order")
    counted = shop.data(f"/api/segments/{segment['id']}?additional-fields[segment]=profile_count")
    assert counted["attributes"]["profile_count"] > 0
