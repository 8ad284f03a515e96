"""Reviews of products: read, filtered, and moderated."""

import pytest


def patch(talk, identifier, **attributes):
    data = {"type": "review", "id": identifier, "attributes": attributes}
    return talk.patch(f"/api/reviews/{identifier}", {"data": data})


def found(talk, condition):
    return talk.data(f"/api/reviews?page[size]=100&filter={condition}")


def test_a_review_says_who_thought_what_of_which_product(shop):
    review = found(shop, 'equals(review_type,"review")')[0]
    attributes = review["attributes"]
    assert set(attributes) == {
        *("email", "status", "verified", "review_type", "created", "updated", "images", "product", "rating"),
        *("author", "content", "title", "smart_quote", "public_reply"),
    }
    assert 1 <= attributes["rating"] <= 5
    item = shop.data(f"/api/catalog-items/{review['relationships']['item']['data']['id']}")["attributes"]
    assert (item["title"], item["external_id"]) == (attributes["product"]["name"], attributes["product"]["external_id"])
    assert shop.profile(attributes["email"]) is not None
    assert shop.data(f"/api/reviews/{review['id']}") == review
    assert shop.get("/api/reviews/1").status_code == 404


def test_a_review_includes_the_event_of_its_being_written(shop):
    document = shop.get("/api/reviews?include=events&fields[event]=event_properties&page[size]=3").json()
    assert len(document["included"]) == 3
    properties = document["included"][0]["attributes"]["event_properties"]
    assert properties["ReviewID"] == document["data"][0]["id"]
    alone = shop.get(f"/api/reviews/{document['data'][0]['id']}?include=events").json()
    assert alone["included"][0]["id"] == document["included"][0]["id"]
    assert shop.get("/api/reviews?include=item").status_code == 400


def test_reviews_are_found_by_rating_and_by_when_they_were_written(shop):
    every = shop.walk("/api/reviews")
    assert len(every) == 48
    good = found(shop, "greater-or-equal(rating,4)")
    assert (
        len(good) + len(found(shop, "less-or-equal(rating,3)")) + len(found(shop, 'equals(review_type,"question")'))
        == 48
    )
    assert {review["attributes"]["rating"] for review in found(shop, "any(rating,[4,5])")} == {4, 5}
    assert found(shop, "equals(rating,5)") == found(shop, "any(rating,[5])")
    moment = every[9]["attributes"]["created"].replace("+00:00", "Z")
    since, until = (found(shop, f"{operator}(created,{moment})") for operator in ("greater-or-equal", "less-or-equal"))
    assert {review["id"] for review in since} & {review["id"] for review in until} >= {every[9]["id"]}
    assert len(since) + len(until) > 48


@pytest.mark.parametrize("status", ["published", "unpublished", "rejected", "featured", "pending"])
def test_reviews_are_found_by_status(shop, status):
    assert {review["attributes"]["status"]["value"] for review in found(shop, f'equals(status,"{status}")')} == {status}


def test_the_status_all_is_any_status(shop):
    assert len(found(shop, 'equals(status,"all")')) == 48
    assert shop.get('/api/reviews?filter=equals(status,"lost")').status_code == 400


def test_reviews_are_found_by_item_content_id_and_type(shop):
    review = found(shop, 'equals(review_type,"review")')[0]
    item = review["relationships"]["item"]["data"]["id"]
    assert review in found(shop, f'equals(item.id,"{item}")')
    assert found(shop, f'any(item.id,["{item}"])') == found(shop, f'equals(item.id,"{item}")')
    assert found(shop, f'equals(id,"{review["id"]}")') == found(shop, f'any(id,["{review["id"]}"])') == [review]
    word = review["attributes"]["content"].split()[0].upper()
    assert review in found(shop, f'contains(content,"{word}")')
    assert all(question["attributes"]["rating"] is None for question in found(shop, 'equals(review_type,"question")'))
    assert found(shop, "equals(verified,false)") == []


def test_reviews_are_sorted_and_paged(shop):
    for name in ("created", "updated", "rating"):
        for sort in (name, f"-{name}"):
            walked = shop.walk(f"/api/reviews?sort={sort}&page[size]=7")
            assert len({review["id"] for review in walked}) == 48
            values = [review["attributes"][name] for review in walked if review["attributes"][name] is not None]
            assert values == sorted(values, reverse=sort.startswith("-"))
    assert len(shop.data("/api/reviews")) == 20
    assert shop.get("/api/reviews?page[size]=101").status_code == 400


def test_fields_may_look_into_status_product_and_reply(shop):
    rejected = 'equals(status,"rejected")'
    path = (
        f"/api/reviews?filter={rejected}&fields[review]=status.rejection_reason.reason,product.name,public_reply.author"
    )
    attributes = shop.data(path)[0]["attributes"]
    assert attributes["status"] == {"rejection_reason": {"reason": "private_information"}}
    assert list(attributes["product"]) == ["name"]
    assert shop.get("/api/reviews?fields[review]=product.price").status_code == 400


def test_a_review_is_moderated(sandbox):
    review = found(sandbox, 'equals(status,"pending")')[0]
    answer = patch(sandbox, review["id"], status={"value": "featured"})
    assert answer.status_code == 200
    changed = answer.json()["data"]["attributes"]
    assert changed["status"] == {"value": "featured"}
    assert changed["updated"] == "2026-11-16T12:00:00.000000+00:00"
    assert changed["created"] == review["attributes"]["created"]
    reason = {"reason": "other", "status_explanation": "Written twice"}
    patch(sandbox, review["id"], status={"value": "rejected", "rejection_reason": reason})
    assert sandbox.data(f"/api/reviews/{review['id']}")["attributes"]["status"]["rejection_reason"] == reason
    assert review["id"] in [entry["id"] for entry in found(sandbox, 'equals(status,"rejected")')]


def test_no_status_leaves_a_review_as_it_is(sandbox):
    review = sandbox.data("/api/reviews?page[size]=1")[0]
    for attributes in ({}, {"status": None}):
        assert patch(sandbox, review["id"], **attributes).json()["data"] == review
    assert patch(sandbox, "1").status_code == 404


@pytest.mark.parametrize(
    "status",
    [
        {"value": "lost"},
        {"value": "rejected"},
        {"value": "rejected", "rejection_reason": {"reason": "boring"}},
        {"value": "rejected", "rejection_reason": {"reason": "fake", "status_explanation": "No"}},
        {"value": "published", "rejection_reason": {"reason": "fake"}},
        {},
    ],
)
def test_a_status_is_one_of_five_and_only_a_rejection_has_a_reason(sandbox, status):
    review = sandbox.data("/api/reviews?page[size]=1")[0]
    error = sandbox.problem(patch(sandbox, review["id"], status=status), 400)
    assert error["source"]["pointer"].startswith("/data/attributes/status")


def test_only_the_status_can_be_changed(sandbox):
    review = sandbox.data("/api/reviews?page[size]=1")[0]
    assert sandbox.problem(patch(sandbox, review["id"], rating=5), 400)
