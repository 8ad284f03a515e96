"""What documents show of relationships and of the pages beside them, as answers of the live service were seen to."""

import pytest

AT_REVISION = "2026-07-15"

CAMPAIGNS = '/api/campaigns?filter=equals(messages.channel,"email")&page[size]=1'
# Data and links, links alone, data alone, the link to the related resources alone.
BOTH, LINKS, DATA, RELATED = "data and links", "links", "data", "related link"


def kinds(resource):
    """The kind of each relationship of a resource object."""
    return {name: kind(relationship) for name, relationship in resource.get("relationships", {}).items()}


def kind(relationship):
    if "links" not in relationship:
        return DATA
    if "self" not in relationship["links"]:
        return RELATED
    return BOTH if "data" in relationship else LINKS


def first(talk, path):
    return talk.data(path)[0]


PROFILE = {"lists": LINKS, "segments": LINKS, "push-tokens": LINKS}
TAG = {"lists": LINKS, "segments": LINKS, "campaigns": LINKS, "flows": LINKS}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (CAMPAIGNS, {"campaign-messages": BOTH, "tags": LINKS}),
        (f"{CAMPAIGNS}&include=tags", {"campaign-messages": BOTH, "tags": BOTH}),
        ("/api/tags", {"tag-group": BOTH, **TAG}),
        ("/api/profiles", {**PROFILE, "conversations": LINKS}),
        ("/api/profiles?fields[profile]=email", {**PROFILE, "conversations": LINKS}),
        ("/api/forms", {"form-versions": BOTH}),
        ("/api/events", {"profile": BOTH, "metric": BOTH}),
        ("/api/events?include=attributions", {"profile": BOTH, "metric": BOTH}),
        ("/api/webhook-topics", {}),
    ],
)
def test_collections_show_relationships_in_one_of_four_kinds(shop, path, expected):
    assert kinds(first(shop, path)) == expected


def test_what_is_read_through_another_resource_shows_less_of_some(shop):
    newsletter = shop.list_id("Newsletter")
    assert kinds(first(shop, f"/api/lists/{newsletter}/profiles")) == {**PROFILE, "conversation": LINKS}
    event = first(shop, "/api/events")
    assert kinds(shop.data(f"/api/events/{event['id']}/profile")) == {**PROFILE, "conversation": LINKS}
    (person,) = shop.get(f"/api/events/{event['id']}?include=profile").json()["included"]
    assert kinds(person) == {**PROFILE, "conversation": LINKS}
    tagged = next(item for item in shop.get(f"{CAMPAIGNS[:-1]}50&include=tags").json()["included"])
    assert kinds(tagged) == {"tag-group": LINKS, **TAG}
    flow = first(shop, "/api/flows")
    assert kinds(first(shop, f"/api/flows/{flow['id']}/flow-actions")) == {"flow": BOTH, "flow-messages": LINKS}
    form = first(shop, "/api/forms")
    assert kinds(first(shop, f"/api/forms/{form['id']}/form-versions")) == {"form": BOTH}


def test_a_message_names_its_campaign_but_not_its_template(shop):
    campaign = first(shop, CAMPAIGNS)
    path = f"/api/campaigns/{campaign['id']}/campaign-messages"
    assert kinds(first(shop, path)) == {"campaign": BOTH, "template": LINKS, "image": LINKS}
    asked = first(shop, f"{path}?include=image")
    assert asked["relationships"]["image"]["data"] is None


def test_a_new_profile_has_one_conversation(sandbox):
    body = {"data": {"type": "profile", "attributes": {"email": "ona@example.org"}}}
    made = sandbox.post("/api/profiles", body).json()["data"]
    assert kinds(made) == {**PROFILE, "conversation": LINKS}
    changed = sandbox.patch(f"/api/profiles/{made['id']}", {"data": {**body["data"], "id": made["id"]}})
    assert kinds(changed.json()["data"]) == {**PROFILE, "conversation": LINKS}


def finished(sandbox, path, answer):
    """A job as it is accepted, and as it is read once it is done."""
    accepted = answer.json()["data"]
    sandbox.clock.advance(5)
    return accepted, sandbox.data(f"{path}/{accepted['id']}")


def job(sandbox, kind, key, entries, relationships=None):
    attributes = {key: {"data": entries}} if entries else {}
    data = {"type": kind, "attributes": attributes, **({"relationships": relationships} if relationships else {})}
    path = f"/api/{kind}s"
    return finished(sandbox, path, sandbox.post(path, {"data": data}))


def test_a_webhook_names_its_topics_without_linking_to_them(sandbox):
    attributes = {"name": "Orders", "endpoint_url": "https://example.org/hook", "secret_key": "0123456789abcdef"}
    topics = {"data": [{"type": "webhook-topic", "id": first(sandbox, "/api/webhook-topics")["id"]}]}
    body = {"type": "webhook", "attributes": attributes, "relationships": {"webhook-topics": topics}}
    made = sandbox.post("/api/webhooks?fields[webhook]=name", {"data": body}).json()["data"]
    assert made["relationships"] == {"webhook-topics": topics}
    assert made["attributes"] == {"name": "Orders"}


def test_a_catalogue_job_names_what_it_wrote_when_it_is_read(sandbox):
    item = {"external_id": "mug", "title": "Mug", "description": "A mug", "url": "https://example.org/mug"}
    entries = [{"type": "catalog-item", "attributes": item}]
    accepted, done = job(sandbox, "catalog-item-bulk-create-job", "items", entries)
    assert kinds(accepted) == {}
    assert kinds(done) == {"items": DATA}
    assert len(done["relationships"]["items"]["data"]) == 1


def test_a_coupon_code_job_names_its_codes_when_it_is_read(sandbox):
    coupon = {"type": "coupon", "attributes": {"external_id": "WINTER"}}
    assert sandbox.post("/api/coupons", {"data": coupon}).status_code == 201
    of_coupon = {"coupon": {"data": {"type": "coupon", "id": "WINTER"}}}
    codes = [{"type": "coupon-code", "attributes": {"unique_code": "A"}, "relationships": of_coupon}]
    accepted, done = job(sandbox, "coupon-code-bulk-create-job", "coupon-codes", codes)
    assert (kinds(accepted), kinds(done)) == ({"coupon-codes": LINKS}, {"coupon-codes": BOTH})
    assert kinds(sandbox.data("/api/coupon-codes/WINTER-A")) == {"coupon": BOTH, "profile": LINKS}


def test_an_import_links_to_its_errors_but_not_to_their_ids(sandbox):
    people = [{"type": "profile", "attributes": {"email": "ona@example.org"}}]
    accepted, done = job(sandbox, "profile-bulk-import-job", "profiles", people)
    assert kinds(accepted) == kinds(done) == {"profiles": LINKS, "lists": BOTH, "import-errors": RELATED}


def test_a_suppression_names_the_group_it_was_asked_for(sandbox):
    sandbox.create_profile(email="ona@example.org")
    people = [{"type": "profile", "attributes": {"email": "ona@example.org"}}]
    accepted, done = job(sandbox, "profile-suppression-bulk-create-job", "profiles", people)
    assert kinds(accepted) == kinds(done) == {"lists": LINKS, "segments": LINKS}
    group = {"list": {"data": {"type": "list", "id": sandbox.list_id("Newsletter")}}}
    accepted, done = job(sandbox, "profile-suppression-bulk-create-job", "profiles", [], group)
    assert kinds(accepted) == kinds(done) == {"lists": BOTH, "segments": LINKS}


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("/api/custom-metrics", {"self"}),
        ("/api/mapped-metrics", {"self"}),
        ("/api/object-types", {"self"}),
        ("/api/lists", {"self", "next", "prev"}),
        # No page cursor either, but these do name their neighbours.
        ("/api/accounts", {"self", "next", "prev"}),
        ("/api/webhooks", {"self", "next", "prev"}),
        ("/api/webhook-topics", {"self", "next", "prev"}),
    ],
)
def test_collections_without_pages_link_to_themselves_alone(shop, path, members):
    assert set(shop.get(path).json()["links"]) == members


def test_relations_without_pages_link_to_themselves_alone(shop):
    campaign = first(shop, CAMPAIGNS)
    for path in ("campaign-messages", "tags", "relationships/tags"):
        assert set(shop.get(f"/api/campaigns/{campaign['id']}/{path}").json()["links"]) == {"self"}


def test_nothing_related_is_null_without_links(shop):
    message = first(shop, f"/api/campaigns/{first(shop, CAMPAIGNS)['id']}/campaign-messages")
    assert shop.get(f"/api/campaign-messages/{message['id']}/image").json() == {"data": None}
    assert shop.get(f"/api/campaign-messages/{message['id']}/relationships/image").json() == {"data": None}


@pytest.mark.parametrize(
    ("report", "members"), [("campaign-values", {"self", "next", "prev"}), ("segment-values", {"self"})]
)
def test_only_reports_on_messages_name_the_pages_beside_them(shop, report, members):
    attributes = {"timeframe": {"key": "last_30_days"}, "statistics": ["total_members"]}
    if report == "campaign-values":
        attributes |= {"statistics": ["opens"], "conversion_metric_id": shop.metric_id("Placed Order")}
    body = {"data": {"type": f"{report}-report", "attributes": attributes}}
    document = shop.post(f"/api/{report}-reports", body).json()
    assert set(document["links"]) == members
    assert "relationships" not in document["data"]
