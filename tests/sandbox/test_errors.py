"""What every error document is made of, by the kind of error."""

import pytest

MISSING = "/api/lists/NOPE01"


def members(answer):
    (error,) = answer.json()["errors"]
    return set(error)


ALWAYS = {"id", "status", "code", "title", "detail", "source"}


def test_errors_about_the_caller_and_about_what_is_missing_are_bare(shop):
    a_list = {"data": {"type": "list", "attributes": {"name": "Any"}}}
    for answer, status in (
        (shop.get("/api/lists", key=None), 401),
        (shop.post("/api/lists", a_list, key="pk_sandbox_readonly"), 403),
        (shop.get(MISSING), 404),
        (shop.request("PUT", "/api/lists"), 405),
    ):
        assert answer.status_code == status
        assert members(answer) == ALWAYS


@pytest.mark.parametrize("query", ["?sort=colour", "?filter=equals(colour,'x')"])
def test_errors_about_the_request_have_links_and_meta(shop, query):
    answer = shop.get(f"/api/lists{query}")
    (error,) = answer.json()["errors"]
    assert (error["links"], error["meta"]) == ({}, {})


def test_a_conflict_has_links_and_meta(sandbox):
    sandbox.create_profile(email="ona@example.org")
    again = {"data": {"type": "profile", "attributes": {"email": "ona@example.org"}}}
    assert members(sandbox.post("/api/profiles", again)) == ALWAYS | {"links", "meta"}
