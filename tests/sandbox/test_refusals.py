"""How ids that nobody has are refused, in Klaviyo's own words."""

from typing import Any

import pytest
from tests.sandbox.conftest import Talk

ULID = "01K61DKJ7EKJ0ES9VE456XF5JG"
UUID = "00000000-0000-0000-0000-000000000000"
ENTRY = "$custom:::$default:::nope"


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("accounts/NOPE01", "Account with id NOPE01 not found."),
        ("campaigns/NOPE01", "A campaign with id 'NOPE01' does not exist."),
        ("campaign-recipient-estimations/NOPE01", "A campaign with id 'NOPE01' does not exist."),
        ("campaign-send-jobs/NOPE01", "A campaign with id 'NOPE01' does not exist."),
        ("campaign-messages/NOPE01", "A message with id 'NOPE01' does not exist."),
        (f"catalog-items/{ENTRY}", f"An item with id {ENTRY} does not exist."),
        (f"catalog-variants/{ENTRY}", f"A variant with id {ENTRY} does not exist."),
        (f"catalog-categories/{ENTRY}", f"No category with the ID `{ENTRY}` exists."),
        ("catalog-item-bulk-create-jobs/nope", "A catalog-item bulk create job with id nope does not exist."),
        ("catalog-variant-bulk-delete-jobs/nope", "A catalog-variant bulk delete job with id nope does not exist."),
        ("coupon-code-bulk-create-jobs/nope", "A coupon code bulk create job with the id 'nope' does not exist."),
        ("coupons/sdk_nope", "A coupon with the given identifier 'sdk_nope' does not exist."),
        ("coupon-codes/COUPON-nope", "A coupon code with given identifier 'COUPON-nope' does not exist."),
        ("coupon-codes/COUPON-nope/coupon", "A coupon code with given identifier 'COUPON-nope' does not exist."),
        ("custom-metrics/NOPE01", "Custom metric with id `NOPE01` does not exist."),
        (f"data-sources/{ULID}", f"Data source with ID {ULID} not found."),
        ("flows/NOPE01", "A flow with id NOPE01 does not exist."),
        ("flow-messages/NOPE01/template", "A flow message with id NOPE01 does not exist."),
        ("forms/NOPE01", "A form with id `NOPE01` does not exist."),
        ("form-versions/1", "A form version with id `1` does not exist."),
        ("images/1", "Not found."),
        ("lists/NOPE01", "A list with id `NOPE01` does not exist."),
        ("metrics/NOPE01", "Metric with id NOPE01 does not exist."),
        ("metric-properties/NOPE01", "A metric property with id `NOPE01` does not exist."),
        (f"object-types/{ULID}/current-schema", f"object-type with id `{ULID}` does not exist."),
        (f"object-types/{ULID}/object-records", f"Object type `{ULID}` not found"),
        ("profiles/NOPE01", "A profile with id NOPE01 does not exist."),
        ("profile-bulk-import-jobs/NOPE01", "Invalid job id"),
        (
            "profile-suppression-bulk-create-jobs/NOPE01",
            "A bulk profile suppression job with the id 'NOPE01' does not exist.",
        ),
        ("push-tokens/NOPE01/profile", "Record with token ID: NOPE01 cannot be found."),
        ("reviews/123456789", "A review with id `123456789` does not exist."),
        ("segments/NOPE01", "A segment with id `NOPE01` does not exist."),
        (f"source-mappings/{ULID}", f"source-mapping with id `{ULID}` does not exist."),
        (f"tags/{UUID}", f"A tag with id {UUID} does not exist."),
        (f"tag-groups/{UUID}", f"A tag group with id {UUID} does not exist."),
        ("templates/NOPE01", "Template with id 'NOPE01' does not exist"),
        (f"template-universal-content/{ULID}", f"A universal content with id `{ULID}` does not exist."),
        ("tracking-settings/NOPE01", "Tracking settings for id `NOPE01` do not exist."),
        ("web-feeds/0", "A web feed with id `0` does not exist."),
        ("webhooks/NOPE01", "Not found."),
        ("webhook-topics/NOPE01", "Not found."),
    ],
)
def test_what_does_not_exist_is_refused_in_the_words_of_its_kind(shop: Talk, path: str, detail: str) -> None:
    error = shop.problem(shop.get(f"/api/{path}"), 404)
    assert (error["code"], error["title"], error["detail"]) == ("not_found", "Not found.", detail)
    assert error["source"] == {"pointer": "/data/"}


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (f"catalog-items/{ENTRY}", f"An item with the id `{ENTRY}` does not exist."),
        (f"catalog-categories/{ENTRY}", f"No category with ID `{ENTRY}` exists."),
    ],
)
def test_some_are_refused_in_other_words_when_they_are_to_be_deleted(shop: Talk, path: str, detail: str) -> None:
    assert shop.problem(shop.delete(f"/api/{path}"), 404)["detail"] == detail


@pytest.mark.parametrize(
    ("path", "detail", "pointer"),
    [
        ("events/NOPE01", "Invalid Event ID: 'NOPE01'", "/data/id"),
        ("mapped-metrics/nope", "'nope' is not a valid choice for 'id'.", "/data/attributes/id"),
    ],
)
def test_an_id_of_the_wrong_form_is_invalid(shop: Talk, path: str, detail: str, pointer: str) -> None:
    error = shop.problem(shop.get(f"/api/{path}"), 400)
    assert (error["code"], error["detail"], error["source"]) == ("invalid", detail, {"pointer": pointer})


def test_an_unknown_tag_group_is_an_error_of_the_tag_service(sandbox: Talk) -> None:
    group = {"tag-group": {"data": {"type": "tag-group", "id": UUID}}}
    body = {"type": "tag", "attributes": {"name": "New"}, "relationships": group}
    error = sandbox.problem(sandbox.post("/api/tags", {"data": body}), 404)
    assert (error["code"], error["title"]) == ("tag_service_error", "Tag Service Error")
    assert error["detail"] == f"Tag Group with id {UUID} not found"


def test_an_unknown_variant_has_a_code_of_its_own(sandbox: Talk) -> None:
    who = {"data": {"type": "profile", "attributes": {"email": "ana@example.org"}}}
    variant = {"variant": {"data": {"type": "catalog-variant", "id": ENTRY}}}
    attributes = {"channels": ["EMAIL"], "profile": who}
    body = {"type": "back-in-stock-subscription", "attributes": attributes, "relationships": variant}
    error = sandbox.problem(sandbox.post("/api/back-in-stock-subscriptions", {"data": body}), 404)
    assert error["code"] == "variant_not_found"
    assert error["title"] == error["detail"] == "The variant in your relationship payload does not exist"
    assert error["source"] == {"pointer": "/data/relationships/variant/data/id"}


def test_records_of_an_unknown_type_cannot_be_deleted(sandbox: Talk) -> None:
    records: Any = {"data": [{"type": "object-record", "id": f"{ULID}:::1"}]}
    body = {"type": "object-record-bulk-delete-job", "relationships": {"object-records": records}}
    error = sandbox.problem(sandbox.post("/api/object-record-bulk-delete-jobs", {"data": body}), 404)
    assert error["detail"] == f"Object type `{ULID}` not found"


def test_an_unknown_type_has_no_relations_and_those_of_an_unknown_schema_break_the_service(shop: Talk) -> None:
    assert shop.data(f"/api/object-types/{ULID}/relationships/object-types") == []
    error = shop.problem(shop.get(f"/api/object-schemas/{ULID}/relationships/object-schemas"), 500)
    assert (error["code"], error["detail"]) == ("error", "A server error occurred.")


def test_an_image_that_cannot_be_fetched_is_refused(sandbox: Talk) -> None:
    body = {"data": {"type": "image", "attributes": {"import_from_url": "https://shop.invalid/logo.png"}}}
    error = sandbox.problem(sandbox.post("/api/images", body), 400)
    assert error["detail"] == "Unable to fetch the URL you entered."
    assert error["source"] == {"pointer": "/data/attributes/import_from_url"}


@pytest.mark.parametrize("path", ["web-feeds", "coupons"])
def test_a_chosen_name_is_held_against_a_pattern(sandbox: Talk, path: str) -> None:
    kind, name = {"web-feeds": ("web-feed", "name"), "coupons": ("coupon", "external_id")}[path]
    attributes: dict[str, Any] = {name: "sdk-smoke-dashed"}
    if kind == "web-feed":
        attributes |= {"url": "https://shop.example/feed", "request_method": "get", "content_type": "json"}
    error = sandbox.problem(sandbox.post(f"/api/{path}", {"data": {"type": kind, "attributes": attributes}}), 400)
    assert error["detail"] == f"'{name}' must match regex '^[0-9_A-z]+$' ('sdk-smoke-dashed' doesn't)"
    assert error["source"] == {"pointer": f"/data/attributes/{name}"}


def test_a_key_that_is_no_private_key_is_as_good_as_none(shop: Talk) -> None:
    error = shop.problem(shop.get("/api/lists", key="abc"), 401)
    assert (error["code"], error["title"]) == (
        "not_authenticated",
        "Authentication credentials were not provided.",
    )
    assert error["detail"] == "Missing or invalid private key."
