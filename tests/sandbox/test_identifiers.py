"""The forms of ids and of a few values, as the live service was seen to make them."""

import re
from base64 import urlsafe_b64encode
from uuid import UUID

import pytest

ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"


def posted(sandbox, path, kind, attributes, relationships=None):
    data = {"type": kind, "attributes": attributes, **({"relationships": relationships} if relationships else {})}
    answer = sandbox.post(path, {"data": data})
    assert answer.status_code in (200, 201, 202), answer.text
    return answer.json()["data"]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/api/custom-metrics", ULID),
        ("/api/template-universal-content", "[0-9a-f]{32}"),
        ("/api/web-feeds", "[0-9]{7}"),
        ("/api/flow-actions", "[0-9]{9}"),
        ("/api/profile-bulk-import-jobs", "[0-9A-Za-z_-]{40}"),
    ],
)
def test_the_demo_shops_ids_have_the_live_services_forms(sandbox, path, form):
    if path == "/api/flow-actions":
        path = f"/api/flows/{sandbox.data('/api/flows')[0]['id']}/flow-actions"
    found = [item["id"] for item in sandbox.data(path)]
    assert found
    assert all(re.fullmatch(form, identifier) for identifier in found)


@pytest.mark.parametrize(
    ("path", "key", "entry"),
    [
        (
            "/api/profile-suppression-bulk-create-jobs",
            "profiles",
            {"type": "profile", "attributes": {"email": "a@b.org"}},
        ),
        (
            "/api/profile-suppression-bulk-delete-jobs",
            "profiles",
            {"type": "profile", "attributes": {"email": "a@b.org"}},
        ),
        ("/api/catalog-item-bulk-delete-jobs", "items", {"type": "catalog-item", "id": "$custom:::$default:::A"}),
    ],
)
def test_jobs_other_than_imports_are_known_by_ulids(sandbox, path, key, entry):
    job = posted(sandbox, path, path.split("/")[2].removesuffix("s"), {key: {"data": [entry]}})
    assert re.fullmatch(ULID, job["id"])
    assert job["attributes"]["status"] == "processing"


def test_a_property_of_a_metric_is_known_by_both_names(sandbox):
    metric = sandbox.metric_id("Placed Order")
    ids = [item["id"] for item in sandbox.data(f"/api/metrics/{metric}/relationships/metric-properties")]
    value = urlsafe_b64encode(f"{metric}.$value".encode()).decode().rstrip("=")
    assert value in ids
    assert sandbox.data(f"/api/metric-properties/{value}")["attributes"]["property"] == "$value"
    for unknown in ("NOPE01", urlsafe_b64encode(b"NOPE01.x").decode(), "é"):
        sandbox.problem(sandbox.get(f"/api/metric-properties/{unknown}"), 404)


def test_events_have_uuids_of_the_time_they_happened(sandbox):
    events = sandbox.data("/api/events?page[size]=50")
    uuids = [UUID(event["attributes"]["uuid"]) for event in events]
    assert {uuid.version for uuid in uuids} == {1}
    assert len(set(uuids)) == len(uuids)
    since_1582 = [uuid.time // 10**7 - 12_219_292_800 for uuid in uuids]
    assert since_1582 == [event["attributes"]["timestamp"] for event in events]


def test_an_aggregate_is_known_by_a_number(sandbox):
    asked = {
        "metric_id": sandbox.metric_id("Placed Order"),
        "measurements": ["count"],
        "filter": ["greater-or-equal(datetime,2026-11-01)", "less-than(datetime,2026-11-08)"],
    }
    aggregate = posted(sandbox, "/api/metric-aggregates", "metric-aggregate", asked)
    assert re.fullmatch("-?[0-9]+", aggregate["id"])
    assert aggregate["links"]["self"].endswith("/api/metric-aggregates/")


def test_an_email_without_text_gets_that_of_its_html(sandbox):
    html = "<html><head><title>No</title></head><body><p>hi</p><ul><li>one<li>two &amp; three</ul></body></html>"
    made = posted(sandbox, "/api/templates", "template", {"name": "New", "editor_type": "CODE", "html": html})
    assert made["attributes"]["text"] == "hi\none\ntwo & three"
    own = {"name": "Own", "editor_type": "CODE", "html": html, "text": "Mine"}
    assert posted(sandbox, "/api/templates", "template", own)["attributes"]["text"] == "Mine"


@pytest.mark.parametrize(
    ("path", "attribute", "descending"),
    [
        ("/api/campaigns", "updated_at", True),
        ("/api/catalog-items", "created", False),
        ("/api/catalog-variants", "created", False),
        ("/api/tags", "name", False),
        ("/api/templates", "name", False),
    ],
)
def test_collections_have_the_order_they_have_live(sandbox, path, attribute, descending):
    found = [item["attributes"][attribute] for item in sandbox.walk(path)]
    assert found == sorted(found, reverse=descending)
    assert len(set(found)) > 1
