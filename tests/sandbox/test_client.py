"""The public endpoints: a company id in place of a key, and nobody's identifiers are overwritten."""

from typing import Any

import httpx2
import pytest
from tests.sandbox.conftest import Talk

COMPANY = "company_id=DEMO01"


def get(sandbox: Talk, path: str, **headers: str) -> Any:
    answer = sandbox.get(path, key=None, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def post(sandbox: Talk, path: str, kind: str, attributes: dict[str, Any], **data: Any) -> httpx2.Response:
    body = {"data": {"type": kind, "attributes": attributes, **data}}
    return sandbox.post(f"/client/{path}?{COMPANY}", body, key=None)


def accepted(answer: httpx2.Response) -> None:
    assert (answer.status_code, answer.content) == (202, b""), answer.text


def person(**attributes: Any) -> dict[str, Any]:
    return {"data": {"type": "profile", "attributes": attributes}}


def the_list(identifier: str) -> dict[str, Any]:
    return {"list": {"data": {"type": "list", "id": identifier}}}


def waved(**attributes: Any) -> dict[str, Any]:
    return {"properties": {"hand": "left"}, "metric": {"data": {"type": "metric", "attributes": {"name": "Waved"}}}} | (
        attributes
    )


def test_the_company_id_takes_the_place_of_the_key(sandbox: Talk) -> None:
    answer = sandbox.get(f"/client/geofences?{COMPANY}", key=None)
    assert (answer.status_code, answer.headers["CID"]) == (200, "DEMO01")
    assert len(get(sandbox, "/client/geofences?company_id=OTHER1")) == 1
    for path in ("/client/geofences", "/client/geofences?company_id=", "/client/geofences?company_id=NOPE01"):
        assert sandbox.problem(sandbox.get(path, key=None), 400)["source"] == {"parameter": "company_id"}
    assert sandbox.get(f"/client/geofences?{COMPANY}", key=None, revision=None).status_code == 400
    assert sandbox.get(f"/api/profiles?{COMPANY}").status_code == 400


def test_a_visitor_becomes_a_profile(sandbox: Talk) -> None:
    accepted(post(sandbox, "profiles", "profile", {"email": "Ona@example.org", "anonymous_id": "v1", "title": "x"}))
    accepted(post(sandbox, "profiles", "profile", {"anonymous_id": "v1", "properties": {"size": "M"}}))
    profile = sandbox.profile("ona@example.org")
    assert profile is not None
    assert (profile["attributes"]["title"], profile["attributes"]["properties"]) == ("x", {"size": "M"})
    refused = post(sandbox, "profiles", "profile", {"title": "x"})
    assert sandbox.problem(refused, 400)["source"]["pointer"] == "/data/attributes"


def test_identifiers_that_a_profile_has_stay_as_they_are(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org")
    accepted(post(sandbox, "profiles", "profile", {"email": "new@example.org", "external_id": "e1"}, id=ona))
    accepted(
        post(
            sandbox, "events", "event", waved(profile=person(external_id="e1", email="new@example.org", title="Owner"))
        )
    )
    found = sandbox.data(f"/api/profiles/{ona}")["attributes"]
    assert (found["email"], found["external_id"]) == ("ona@example.org", "e1")
    assert sandbox.profile("new@example.org") is not None
    accepted(post(sandbox, "profiles", "profile", {"title": "Ghost"}, id="01NOBODY"))


def test_properties_are_patched(sandbox: Talk) -> None:
    sandbox.create_profile(email="ona@example.org", properties={"likes": ["tea"], "old": 1})
    meta = {"patch_properties": {"append": {"likes": "cake"}, "unset": "old"}}
    accepted(post(sandbox, "profiles", "profile", {"email": "ona@example.org"}, meta=meta))
    profile = sandbox.profile("ona@example.org")
    assert profile is not None
    assert profile["attributes"]["properties"] == {"likes": ["tea", "cake"]}


def test_events_are_recorded_one_by_one(make_sandbox: Any) -> None:
    sandbox: Talk = make_sandbox(event_delay=30)
    accepted(post(sandbox, "events", "event", waved(profile=person(email="ona@example.org"), value=5)))
    assert sandbox.profile("ona@example.org") is None
    sandbox.clock.advance(30)
    (event,) = sandbox.data(f'/api/events?filter=equals(metric_id,"{sandbox.metric_id("Waved")}")')
    assert event["attributes"]["event_properties"]["$value"] == 5
    late = waved(profile=person(email="a@example.org"), time="1980-01-01T00:00:00Z")
    refused = post(sandbox, "events", "event", late)
    assert sandbox.problem(refused, 400)["source"]["pointer"] == "/data/attributes/time"
    nobody = post(sandbox, "events", "event", waved(profile=person(first_name="x")))
    assert sandbox.problem(nobody, 400)["source"]["pointer"] == "/data/attributes/profile/data/attributes"


def test_many_events_of_one_visitor_at_once(sandbox: Talk) -> None:
    def bulk(*events: dict[str, Any]) -> httpx2.Response:
        entries = [{"type": "event", "attributes": event} for event in events]
        attributes = {"profile": person(email="ona@example.org"), "events": {"data": entries}}
        return post(sandbox, "event-bulk-create", "event-bulk-create", attributes)

    accepted(bulk(waved(unique_id="1"), waved(unique_id="2")))
    waves = f'/api/events?filter=equals(metric_id,"{sandbox.metric_id("Waved")}")'
    assert len(sandbox.data(waves)) == 2
    repeated = bulk(waved(unique_id="3"), waved(unique_id="3"))
    assert sandbox.problem(repeated, 400)["source"]["pointer"] == "/data/attributes/events/data/1/attributes/unique_id"
    assert len(sandbox.data(waves)) == 2
    assert sandbox.problem(bulk(), 400)["code"] == "invalid"


def test_a_visitor_subscribes_to_marketing_wherever_there_is_an_address(sandbox: Talk) -> None:
    news = sandbox.create_list("News")
    profile = person(email="ona@example.org", phone_number="+14155550123", first_name="Ona")
    attributes = {"profile": profile, "custom_source": "Footer"}
    accepted(post(sandbox, "subscriptions", "subscription", attributes, relationships=the_list(news)))
    found = sandbox.subscriptions("ona@example.org")
    assert found["email"]["marketing"]["consent"] == found["sms"]["marketing"]["consent"] == "SUBSCRIBED"
    assert found["email"]["marketing"]["custom_method_detail"] == "Footer"
    (member,) = sandbox.data(f"/api/lists/{news}/profiles")
    assert member["attributes"]["first_name"] == "Ona"


def test_only_the_named_channels_are_subscribed(sandbox: Talk) -> None:
    news = sandbox.create_list("News")
    channels = {"sms": {"marketing": {"consent": "SUBSCRIBED"}}}
    profile = person(email="ona@example.org", phone_number="+14155550123", subscriptions=channels)
    accepted(post(sandbox, "subscriptions", "subscription", {"profile": profile}, relationships=the_list(news)))
    found = sandbox.subscriptions("ona@example.org")
    assert found["sms"]["marketing"]["consent"] == "SUBSCRIBED"
    assert found["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    missing = person(email="ona@example.org", subscriptions=channels)
    refused = post(sandbox, "subscriptions", "subscription", {"profile": missing}, relationships=the_list(news))
    pointer = "/data/attributes/profile/data/attributes/phone_number"
    assert sandbox.problem(refused, 400)["source"]["pointer"] == pointer


def test_a_list_with_double_opt_in_waits_for_confirmation(sandbox: Talk) -> None:
    news = sandbox.create_list("News", "double_opt_in")
    attributes = {"profile": person(email="ona@example.org")}
    accepted(post(sandbox, "subscriptions", "subscription", attributes, relationships=the_list(news)))
    assert sandbox.data(f"/api/lists/{news}/profiles") == []
    sandbox.post("/_sandbox/confirm", {"contact": "ona@example.org"})
    assert len(sandbox.data(f"/api/lists/{news}/profiles")) == 1
    assert sandbox.subscriptions("ona@example.org")["email"]["marketing"]["double_optin"] is True


def test_a_subscription_needs_a_list_that_exists_and_an_address(sandbox: Talk) -> None:
    attributes = {"profile": person(email="ona@example.org")}
    assert sandbox.problem(post(sandbox, "subscriptions", "subscription", attributes), 400)["code"] == "invalid"
    unknown = post(sandbox, "subscriptions", "subscription", attributes, relationships=the_list("NOPE01"))
    assert sandbox.problem(unknown, 404)["detail"] == "A list with id `NOPE01` does not exist."
    news = sandbox.create_list("News")
    nobody = {"profile": person(first_name="Ona")}
    refused = post(sandbox, "subscriptions", "subscription", nobody, relationships=the_list(news))
    assert sandbox.problem(refused, 400)["source"]["pointer"] == "/data/attributes/profile/data/attributes"


@pytest.mark.parametrize("channels", [None, {"sms": {"marketing": {"consent": "SUBSCRIBED"}}}])
def test_a_number_without_a_sending_number_for_its_region_is_refused(sandbox: Talk, channels: Any) -> None:
    news = sandbox.create_list("News")
    named = {} if channels is None else {"subscriptions": channels}
    attributes = {"profile": person(email="ona@example.org", phone_number="+4740000001", **named)}
    refused = post(sandbox, "subscriptions", "subscription", attributes, relationships=the_list(news))
    pointer = "/data/attributes/profile/data/attributes/phone_number"
    assert sandbox.problem(refused, 400)["source"]["pointer"] == pointer
    assert sandbox.profile("ona@example.org") is None


@pytest.mark.parametrize("channels", [("email", "sms"), ()])
def test_a_faulty_number_of_a_visitor_is_dropped_beside_an_address(sandbox: Talk, channels: tuple[str, ...]) -> None:
    news = sandbox.create_list("News")
    named = {channel: {"marketing": {"consent": "SUBSCRIBED"}} for channel in channels}
    given = {"subscriptions": named} if channels else {}
    attributes = {"profile": person(email="ona@example.org", phone_number="12345", **given)}
    answer = post(sandbox, "subscriptions", "subscription", attributes, relationships=the_list(news))
    accepted(answer)
    assert answer.headers["X-Klaviyo-Partial-Failure"] == "phone_number"
    found = sandbox.subscriptions("ona@example.org")
    assert found["email"]["marketing"]["consent"] == "SUBSCRIBED"
    assert found["sms"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    attributes = {"profile": person(phone_number="12345", **given)}
    refused = post(sandbox, "subscriptions", "subscription", attributes, relationships=the_list(news))
    assert refused.status_code == 400


def test_an_app_subscribes_a_device_to_push(sandbox: Talk) -> None:
    news = sandbox.create_list("News")
    token = {"token": "abc", "platform": "android", "vendor": "fcm"}
    push = {"marketing": {"consent": "SUBSCRIBED"}, "tokens": [token], "anonymous_id": "device-1"}
    attributes = {"profile": person(subscriptions={"push": push})}
    accepted(post(sandbox, "subscriptions", "subscription", attributes, relationships=the_list(news)))
    (member,) = sandbox.data(f"/api/lists/{news}/profiles?additional-fields[profile]=subscriptions")
    assert member["attributes"]["subscriptions"]["mobile_push"]["marketing"]["consent"] == "SUBSCRIBED"
    assert sandbox.data("/api/push-tokens/abc/relationships/profile")["id"] == member["id"]


def test_devices_are_registered_and_unregistered(sandbox: Talk) -> None:
    ona = person(email="ona@example.org")
    token = {"token": "abc", "platform": "ios", "vendor": "apns", "profile": ona}
    accepted(post(sandbox, "push-tokens", "push-token", token))
    assert sandbox.data("/api/push-tokens/abc/profile")["attributes"]["email"] == "ona@example.org"
    leaving = {"token": "abc", "platform": "ios", "profile": person(email="bo@example.org")}
    accepted(post(sandbox, "push-token-unregister", "push-token-unregister", leaving))
    assert sandbox.get("/api/push-tokens/abc").status_code == 200
    accepted(post(sandbox, "push-token-unregister", "push-token-unregister", {**leaving, "profile": ona}))
    assert sandbox.get("/api/push-tokens/abc").status_code == 404
    nobody = post(sandbox, "push-tokens", "push-token", {**token, "profile": person()})
    assert sandbox.problem(nobody, 400)["code"] == "invalid"


def test_a_visitor_waits_for_a_variant_to_be_back_in_stock(sandbox: Talk) -> None:
    variant = sandbox.data("/api/catalog-variants")[0]["id"]

    def wait(identifier: str) -> httpx2.Response:
        attributes = {"channels": ["EMAIL"], "profile": person(email="ona@example.org")}
        relationships = {"variant": {"data": {"type": "catalog-variant", "id": identifier}}}
        path, kind = "back-in-stock-subscriptions", "back-in-stock-subscription"
        return post(sandbox, path, kind, attributes, relationships=relationships)

    accepted(wait(variant))
    profile = sandbox.profile("ona@example.org")
    assert profile is not None
    (event,) = sandbox.get(f'/api/events?filter=equals(profile_id,"{profile["id"]}")&include=metric').json()["included"]
    assert event["attributes"]["name"] == "Subscribed to Back in Stock"
    assert wait("$custom:::$default:::NOPE").status_code == 404


def test_reviews_show_what_is_public_and_nobodys_address(shop: Talk) -> None:
    public = get(shop, f"/client/reviews?{COMPANY}&page[size]=100")
    assert {item["attributes"]["status"]["value"] for item in public} <= {"published", "featured"}
    assert "email" not in public[0]["attributes"]
    assert "relationships" not in public[0]
    everything = get(shop, f'/client/reviews?{COMPANY}&filter=equals(status,"all")&page[size]=100')
    assert len(everything) > len(public)
    rejected = get(shop, f'/client/reviews?{COMPANY}&filter=equals(status,"rejected")')
    assert {item["attributes"]["status"]["value"] for item in rejected} == {"rejected"}
    assert shop.get(f"/client/reviews?{COMPANY}&fields[review]=email", key=None).status_code == 400
    ratings = [item["attributes"]["rating"] for item in get(shop, f"/client/reviews?{COMPANY}&sort=-rating")]
    assert ratings == sorted(ratings, reverse=True)


@pytest.mark.parametrize(
    "condition",
    [
        "greater-or-equal(rating,4)",
        "any(rating,[4,5])",
        'contains(content,"a")',
        "has(smart_quote)",
        'equals(review_type,"review")',
        "greater-or-equal(created,2020-01-01T00:00:00Z)",
        "equals(incentivized,false)",
        "equals(edited,false)",
    ],
)
def test_reviews_are_filtered(shop: Talk, condition: str) -> None:
    found = get(shop, f"/client/reviews?{COMPANY}&filter={condition}")
    assert found
    assert all(item["type"] == "review" for item in found)
    assert get(shop, f'/client/reviews?{COMPANY}&filter={condition},equals(id,"0")') == []


def test_a_review_waits_to_be_published(sandbox: Talk) -> None:
    attributes = {
        "review_type": "review",
        "email": "Ona@example.org",
        "author": "Ona",
        "content": "Lovely kettle.",
        "rating": 5,
        "incentive_type": "free_product",
        "images": ["https://example.org/kettle.jpg"],
        "product": {"external_id": "KETTLE", "integration_key": "shopify"},
    }
    order = {"order": {"data": {"type": "order", "id": "1001"}}}
    accepted(post(sandbox, "reviews", "review", attributes, relationships=order))
    path = f'/client/reviews?{COMPANY}&filter=equals(status,"pending"),equals(incentivized,true),has(media)'
    (review,) = get(sandbox, path)
    assert (review["attributes"]["author"], review["attributes"]["rating"]) == ("Ona", 5)
    assert sandbox.data(f"/api/reviews/{review['id']}")["attributes"]["email"] == "ona@example.org"
    publish = {"data": {"type": "review", "id": review["id"], "attributes": {"status": {"value": "published"}}}}
    assert sandbox.patch(f"/api/reviews/{review['id']}", publish).status_code == 200
    assert review["id"] in [item["id"] for item in get(sandbox, f"/client/reviews?{COMPANY}&page[size]=100")]
    for changes in ({"rating": 6}, {"review_type": "poem"}, {"email": "nonsense"}):
        assert post(sandbox, "reviews", "review", {**attributes, **changes}).status_code == 400


def test_a_question_has_no_rating(sandbox: Talk) -> None:
    question = {"review_type": "question", "email": "a@example.org", "author": "A", "content": "Blue?", "rating": 4}
    accepted(post(sandbox, "reviews", "review", question))
    path = f'/client/reviews?{COMPANY}&filter=equals(status,"pending"),equals(review_type,"question")'
    assert [item["attributes"]["rating"] for item in get(sandbox, path) if item["attributes"]["author"] == "A"] == [
        None
    ]


def test_a_report_adds_up_the_public_reviews(shop: Talk) -> None:
    reviews = get(shop, f"/client/reviews?{COMPANY}&page[size]=100")
    path = f"/client/review-values-reports?{COMPANY}&timeframe=all_time&statistics=total_reviews,average_rating"
    (report,) = get(shop, f"{path}&group_by=company_id")
    (result,) = report["attributes"]["results"]
    written = [item["attributes"] for item in reviews if item["attributes"]["review_type"] == "review"]
    assert result["groupings"] == {"company_id": "DEMO01"}
    assert set(result["statistics"]) == {"total_reviews", "average_rating"}
    assert result["statistics"]["total_reviews"] == len(written)
    by_product = get(shop, f"{path}&group_by=product_id&page[size]=100")
    totals = [item["attributes"]["results"][0]["statistics"]["total_reviews"] for item in by_product]
    assert sum(totals) == len(written)
    one = by_product[0]["attributes"]["results"][0]["groupings"]["product_id"]
    chosen = get(shop, f'{path}&group_by=product_id&filter=equals(product_external_ids,"{one}")')
    assert [item["id"] for item in chosen] == [by_product[0]["id"]]
    first = shop.get(f"{path}&group_by=product_id&page[size]=1", key=None).json()
    second = shop.get(first["links"]["next"], key=None).json()
    assert (first["data"] + second["data"]) == by_product[:2]
    assert shop.get(second["links"]["prev"], key=None).json()["data"] == first["data"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("timeframe=all_time&statistics=total_reviews", "group_by"),
        ("group_by=color&timeframe=all_time&statistics=total_reviews", "group_by"),
        ("group_by=company_id&statistics=total_reviews", "timeframe"),
        ("group_by=company_id&timeframe=all_time&statistics=mood", "statistics"),
    ],
)
def test_a_report_needs_its_parameters(shop: Talk, query: str, parameter: str) -> None:
    answer = shop.get(f"/client/review-values-reports?{COMPANY}&{query}", key=None)
    assert shop.problem(answer, 400)["source"] == {"parameter": parameter}


def test_geofences_come_nearest_first_when_the_place_is_known(shop: Talk) -> None:
    path = f"/client/geofences?{COMPANY}"
    by_id = get(shop, path)
    assert [item["id"] for item in by_id] == sorted(item["id"] for item in by_id)
    assert set(by_id[0]["attributes"]) == {"latitude", "longitude", "radius"}
    seattle = {"X_Klaviyo_API_Filters": "and(equals(lat,47.6),equals(lng,-122.3))"}
    near = get(shop, path, **seattle)
    assert near[0]["attributes"]["latitude"] == 47.6097
    first = shop.get(f"{path}&page[size]=1", key=None, **seattle).json()
    second = shop.get(first["links"]["next"], key=None, **seattle).json()
    assert [first["data"][0]["id"], second["data"][0]["id"]] == [item["id"] for item in near[:2]]
    for header in ("equals(lat,47.6)", "equals(lat,47.6", "equals(altitude,3)"):
        assert shop.get(path, key=None, X_Klaviyo_API_Filters=header).status_code == 400


def test_the_addresses_klaviyo_calls_from_need_neither_company_nor_revision(shop: Talk) -> None:
    found = shop.get("/client/ip-allowlists/integration-egress", key=None, revision=None)
    assert found.status_code == 200
    assert set(found.json()["data"]["attributes"]) == {"prefixes", "sync_token", "created"}
    only = get(shop, f"/client/ip-allowlists/integration-egress?{COMPANY}&fields[ip-allowlist]=sync_token")
    assert set(only["attributes"]) == {"sync_token"}
    assert shop.get("/client/ip-allowlists/other", key=None).status_code == 404
