"""How moments are written: to the microsecond by what notes them, and later to what the kind of resource keeps."""

import pytest

WRITTEN = "2026-11-16T12:00:00.123456+00:00"
SECOND, MILLISECOND = "2026-11-16T12:00:00+00:00", "2026-11-16T12:00:00.123000+00:00"
ITEM = {"external_id": "A", "title": "Lamp", "description": "Bright", "url": "https://shop.example/a"}
BLOCK = {"content_type": "block", "type": "html", "data": {"content": "<b>Hi</b>", "display_options": {}}}
FEED = {"name": "Blog", "url": "https://blog.example", "request_method": "get", "content_type": "json"}


@pytest.fixture
def between(sandbox):
    """The sandbox at a moment that is no whole second."""
    sandbox.clock.advance(0.123456)
    return sandbox


def write(sandbox, path, attributes, identifier=None):
    data = {"type": path.split("/")[2].removesuffix("s"), "attributes": attributes}
    body = {"data": {**data, **({"id": identifier} if identifier else {})}}
    answer = sandbox.patch(f"{path}/{identifier}", body) if identifier else sandbox.post(path, body)
    assert answer.status_code in (200, 201, 202), answer.text
    return answer.json()["data"]


@pytest.mark.parametrize(
    ("path", "attributes", "later"),
    [
        ("/api/lists", {"name": "New"}, SECOND),
        ("/api/profiles", {"email": "ana@example.org"}, SECOND),
        ("/api/templates", {"name": "New", "editor_type": "CODE", "html": "<p>Hi</p>"}, SECOND),
        ("/api/web-feeds", FEED, SECOND),
        ("/api/template-universal-content", {"name": "Bar", "definition": BLOCK}, WRITTEN),
    ],
)
def test_what_is_made_is_dated_to_the_microsecond_and_kept_as_its_kind_is(between, path, attributes, later):
    made = write(between, path, attributes)
    assert made["attributes"]["created"] == made["attributes"]["updated"] == WRITTEN
    kept = between.data(f"{path}/{made['id']}")["attributes"]
    assert kept["created"] == kept["updated"] == later


def test_what_is_changed_shows_when_to_the_microsecond_and_since_when_to_the_second(between):
    made = write(between, "/api/lists", {"name": "New"})
    between.clock.advance(5)
    changed = write(between, "/api/lists", {"name": "Newer"}, made["id"])["attributes"]
    assert (changed["created"], changed["updated"]) == (SECOND, "2026-11-16T12:00:05.123456+00:00")


def test_catalogues_are_dated_to_the_millisecond(between):
    made = write(between, "/api/catalog-items", ITEM)
    assert made["attributes"]["created"] == MILLISECOND
    assert between.data(f"/api/catalog-items/{made['id']}") == made


def test_what_was_made_can_be_found_by_the_moment_that_reading_shows(between):
    made = write(between, "/api/lists", {"name": "New"})["id"]
    assert made not in [
        found["id"] for found in between.data(f"/api/lists?filter=greater-than(created,{SECOND[:19]}Z)")
    ]
    assert made in [found["id"] for found in between.walk("/api/lists")]


@pytest.mark.parametrize("path", ["/api/campaigns", "/api/mapped-metrics", "/api/catalog-items"])
def test_the_demo_shop_dates_what_it_made_the_same_way(sandbox, path):
    moments = [item["attributes"].get("updated_at") or item["attributes"]["updated"] for item in sandbox.data(path)]
    assert all(len(moment) == len(WRITTEN) for moment in moments)
    assert len({moment[19:26] for moment in moments}) > (1 if "mapped" not in path else 0)
