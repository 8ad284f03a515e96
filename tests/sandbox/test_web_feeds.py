"""Web feeds: named addresses that templates can show."""

import pytest

BOOK = {"name": "Blog_posts", "url": "https://blog.example/feed", "request_method": "get", "content_type": "json"}


def body(attributes, identifier=None):
    data = {"type": "web-feed", "attributes": attributes}
    return {"data": {**data, **({"id": identifier} if identifier else {})}}


def test_a_feed_is_made_changed_and_deleted(sandbox):
    made = sandbox.post("/api/web-feeds", body(BOOK))
    assert made.status_code == 201
    feed = made.json()["data"]
    assert feed["attributes"] == {
        **BOOK,
        "created": "2026-11-16T12:00:00.000000+00:00",
        "updated": "2026-11-16T12:00:00.000000+00:00",
        "status": "ok",
    }
    path = f"/api/web-feeds/{feed['id']}"
    sandbox.clock.advance(60)
    changed = sandbox.patch(path, body({"url": "https://blog.example/new", "name": None}, feed["id"])).json()["data"]
    assert changed["attributes"]["url"] == "https://blog.example/new"
    assert changed["attributes"]["name"] == "Blog_posts"
    assert changed["attributes"]["updated"] == "2026-11-16T12:01:00.000000+00:00"
    assert sandbox.data(f"{path}?fields[web-feed]=url")["attributes"] == {"url": "https://blog.example/new"}
    assert sandbox.delete(path).status_code == 204
    sandbox.problem(sandbox.get(path), 404)


@pytest.mark.parametrize(
    "wrong", [{"name": "Blog posts"}, {"url": "blog"}, {"request_method": "put"}, {"content_type": "csv"}, {"name": ""}]
)
def test_feeds_are_checked(sandbox, wrong):
    sandbox.problem(sandbox.post("/api/web-feeds", body({**BOOK, **wrong})), 400)


def test_names_are_unique(sandbox):
    sandbox.post("/api/web-feeds", body(BOOK))
    sandbox.problem(sandbox.post("/api/web-feeds", body(BOOK)), 409)


def test_feeds_are_filtered_sorted_and_paged(sandbox):
    for number in range(6):
        sandbox.clock.advance(1)
        sandbox.post("/api/web-feeds", body({**BOOK, "name": f"Feed_{number}"}))
    assert len(sandbox.data("/api/web-feeds")) == 5
    names = [feed["attributes"]["name"] for feed in sandbox.walk("/api/web-feeds?sort=-created&page[size]=3")]
    assert names[:6] == [f"Feed_{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert names[6:] == ["Trail_journal", "Bestsellers"]
    assert len(sandbox.data('/api/web-feeds?filter=any(name,["Feed_1","Feed_2"])')) == 2
    assert len(sandbox.data('/api/web-feeds?filter=contains(name,"seller")')) == 1
    assert len(sandbox.walk("/api/web-feeds?filter=greater-or-equal(created,2026-11-16T12:00:03Z)")) == 4
    sandbox.problem(sandbox.get("/api/web-feeds?page[size]=21"), 400)
    sandbox.problem(sandbox.get("/api/web-feeds?sort=url"), 400)
