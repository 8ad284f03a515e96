"""The catalogue: items with variants, in categories, and people who wait for something to be in stock again."""

from datetime import datetime

import pytest

ITEM = {
    "external_id": "LAMP-1",
    "title": "Tent Lamp",
    "description": "Hangs anywhere.",
    "url": "https://shop.example/l",
}
VARIANT = {**ITEM, "external_id": "LAMP-1-RED", "sku": "LAMP-RED", "inventory_quantity": 7, "price": 21.5}
TENT, SHIRT = "$custom:::$default:::JP-TENT-2", "$custom:::$default:::JP-FLAN-1"
CAMPING, CLOTHING = "$custom:::$default:::camping", "$custom:::$default:::clothing"
LAMP = "$custom:::$default:::LAMP-1"


def create(talk, kind, attributes, **relationships):
    data = {"type": kind, "attributes": attributes}
    if relationships:
        data["relationships"] = {name: {"data": target} for name, target in relationships.items()}
    home = {"catalog-category": "/api/catalog-categories"}.get(kind, f"/api/{kind}s")
    return talk.post(home, {"data": data})


def patch(talk, path, kind, attributes, **relationships):
    data = {"type": kind, "id": path.rsplit("/", 1)[-1], "attributes": attributes}
    if relationships:
        data["relationships"] = {name: {"data": target} for name, target in relationships.items()}
    return talk.patch(path, {"data": data})


def item(identifier):
    return {"type": "catalog-item", "id": identifier}


def category(identifier):
    return {"type": "catalog-category", "id": identifier}


def ids(resources):
    return [resource["id"] for resource in resources]


def test_an_item_is_created_with_what_it_was_given_and_the_defaults_of_the_rest(sandbox):
    answer = create(sandbox, "catalog-item", {**ITEM, "price": 19, "integration_type": "$custom", "published": None})
    assert answer.status_code == 201
    made = answer.json()["data"]
    assert made["id"] == LAMP
    assert made["attributes"] == {
        **ITEM,
        "price": 19,
        "image_full_url": None,
        "image_thumbnail_url": None,
        "images": [],
        "custom_metadata": {},
        "published": True,
        "created": "2026-11-16T12:00:00.000000+00:00",
        "updated": "2026-11-16T12:00:00.000000+00:00",
    }
    assert list(made["relationships"]) == ["variants"]
    assert sandbox.data(f"/api/catalog-items/{LAMP}") == made
    assert sandbox.get(made["links"]["self"]).json()["data"] == made


@pytest.mark.parametrize(
    ("kind", "attributes", "missing"),
    [
        ("catalog-item", {"external_id": "A"}, {"title", "description", "url"}),
        ("catalog-variant", ITEM, {"sku", "inventory_quantity", "price"}),
        ("catalog-category", {}, {"external_id", "name"}),
    ],
)
def test_what_an_entry_must_have_is_said_all_at_once(sandbox, kind, attributes, missing):
    relationships = {"item": item(TENT)} if kind == "catalog-variant" else {}
    answer = create(sandbox, kind, attributes, **relationships)
    assert answer.status_code == 400
    pointers = {error["source"]["pointer"].rsplit("/", 1)[-1] for error in answer.json()["errors"]}
    assert pointers == missing


def test_an_external_id_can_be_used_once(sandbox):
    assert create(sandbox, "catalog-item", ITEM).status_code == 201
    assert sandbox.problem(create(sandbox, "catalog-item", ITEM), 409)["code"] == "conflict"


def test_only_the_custom_integration_and_the_default_catalogue_exist(sandbox):
    for place in ({"integration_type": "$shopify"}, {"catalog_type": "winter"}):
        error = sandbox.problem(create(sandbox, "catalog-item", {**ITEM, **place}), 400)
        assert error["source"]["pointer"] == f"/data/attributes/{next(iter(place))}"


def test_custom_metadata_has_a_largest_size(sandbox):
    error = sandbox.problem(create(sandbox, "catalog-item", {**ITEM, "custom_metadata": {"a": "x" * 102_400}}), 400)
    assert error["source"]["pointer"] == "/data/attributes/custom_metadata"


def test_an_update_changes_what_it_names_and_null_goes_back_to_the_default(sandbox):
    create(sandbox, "catalog-item", {**ITEM, "price": 19, "custom_metadata": {"season": "winter"}})
    sandbox.clock.advance(60)
    answer = patch(
        sandbox, f"/api/catalog-items/{LAMP}", "catalog-item", {"price": None, "title": None, "published": False}
    )
    assert answer.status_code == 200
    changed = answer.json()["data"]["attributes"]
    assert (changed["price"], changed["title"], changed["published"]) == (None, "Tent Lamp", False)
    assert changed["custom_metadata"] == {"season": "winter"}
    assert changed["created"] < changed["updated"] == "2026-11-16T12:01:00.000000+00:00"
    assert sandbox.data(f"/api/catalog-items/{LAMP}")["attributes"] == changed


def test_an_external_id_cannot_be_changed(sandbox):
    answer = patch(sandbox, f"/api/catalog-items/{TENT}", "catalog-item", {"external_id": "OTHER"})
    assert "'external_id' is not a valid field" in sandbox.problem(answer, 400)["detail"]


def test_deleting_an_item_takes_its_variants_and_its_place_in_categories_with_it(sandbox):
    variants = ids(sandbox.data(f"/api/catalog-items/{SHIRT}/variants"))
    assert len(variants) == 4
    assert sandbox.delete(f"/api/catalog-items/{SHIRT}").status_code == 204
    assert sandbox.problem(sandbox.get(f"/api/catalog-items/{SHIRT}"), 404)["code"] == "not_found"
    assert sandbox.get(f"/api/catalog-variants/{variants[0]}").status_code == 404
    assert SHIRT not in ids(sandbox.data(f"/api/catalog-categories/{CLOTHING}/items"))
    assert sandbox.delete(f"/api/catalog-items/{SHIRT}").status_code == 404


def test_items_are_found_by_ids_category_title_and_whether_they_are_published(sandbox):
    create(sandbox, "catalog-item", {**ITEM, "published": False})

    def found(condition):
        return ids(sandbox.data(f"/api/catalog-items?filter={condition}"))

    assert found(f'any(ids,["{TENT}","{LAMP}","nothing"])') == [TENT, LAMP]
    assert found('contains(title,"tent")') == [TENT, LAMP]
    assert found("equals(published,false)") == [LAMP]
    assert len(found(f'equals(category.id,"{CAMPING}")')) == 5
    assert found(f'equals(category.id,"{CAMPING}"),contains(title,"tent")') == [TENT]
    assert sandbox.get("/api/catalog-items?filter=equals(price,1)").status_code == 400
    assert sandbox.get('/api/catalog-items?filter=equals(title,"Hammock")').status_code == 400


@pytest.mark.parametrize("kind", ["items", "variants", "categories"])
def test_each_kind_is_paged_and_sorted_by_when_it_was_created(sandbox, kind):
    path = f"/api/catalog-{kind}"
    every = sandbox.data(path)
    for order in ("", "&sort=created", "&sort=-created"):
        assert sorted(ids(sandbox.walk(f"{path}?page[size]=3{order}"))) == sorted(ids(every))
    if kind != "categories":
        created = [entry["attributes"]["created"] for entry in sandbox.walk(f"{path}?page[size]=3&sort=-created")]
        assert created == sorted(created, reverse=True)
    assert sandbox.get(f"{path}?page[size]=101").status_code == 400
    assert sandbox.get(f"{path}?sort=updated").status_code == 400


def test_items_include_their_variants_and_sparse_fields_apply_to_both(shop):
    document = shop.get(
        f"/api/catalog-items/{SHIRT}?include=variants&fields[catalog-item]=title,price&fields[catalog-variant]=sku"
    ).json()
    assert document["data"]["attributes"] == {"title": "Juniper Flannel Shirt", "price": 78.0}
    skus = [variant["attributes"] for variant in document["included"]]
    assert skus == [{"sku": f"JP-FLAN-1-{size}"} for size in ("L", "M", "S", "XL")]
    linked = shop.data(f'/api/catalog-items?include=variants&filter=any(ids,["{SHIRT}"])')[0]["relationships"]
    assert ids(linked["variants"]["data"]) == ids(document["included"])
    assert shop.get("/api/catalog-items?include=categories").status_code == 400


def test_a_variant_belongs_to_an_item_that_exists(sandbox):
    answer = create(sandbox, "catalog-variant", VARIANT, item=item(TENT))
    assert answer.status_code == 201
    made = answer.json()["data"]
    assert made["id"] == "$custom:::$default:::LAMP-1-RED"
    assert (made["attributes"]["inventory_policy"], made["attributes"]["inventory_quantity"]) == (0, 7)
    assert list(made["relationships"]) == ["item"]
    assert sandbox.data(f"/api/catalog-variants/{made['id']}") == made
    assert made["id"] in ids(sandbox.data(f"/api/catalog-items/{TENT}/variants"))
    another = {**VARIANT, "external_id": "B"}
    assert sandbox.problem(create(sandbox, "catalog-variant", another, item=item("none")), 404)
    assert sandbox.problem(create(sandbox, "catalog-variant", another), 400)["source"]["pointer"].endswith(
        "/relationships"
    )


def test_a_variant_is_changed_and_deleted_on_its_own(sandbox):
    (variant, *others) = sandbox.data(f"/api/catalog-items/{SHIRT}/variants")
    path = f"/api/catalog-variants/{variant['id']}"
    changed = patch(sandbox, path, "catalog-variant", {"inventory_quantity": 0, "inventory_policy": 2}).json()["data"]
    assert (changed["attributes"]["inventory_quantity"], changed["attributes"]["inventory_policy"]) == (0, 2)
    assert sandbox.problem(patch(sandbox, path, "catalog-variant", {"inventory_policy": 3}), 400)
    assert sandbox.delete(path).status_code == 204
    assert ids(sandbox.data(f"/api/catalog-items/{SHIRT}/variants")) == ids(others)


def test_variants_are_found_by_item_sku_title_and_ids(shop):
    def found(condition):
        return ids(shop.data(f"/api/catalog-variants?filter={condition}"))

    of_the_shirt = ids(shop.data(f"/api/catalog-items/{SHIRT}/relationships/variants"))
    assert found(f'equals(item.id,"{SHIRT}")') == of_the_shirt
    assert found('equals(sku,"JP-FLAN-1-M")') == ["$custom:::$default:::JP-FLAN-1-M"]
    assert found('contains(title,"flannel")') == of_the_shirt
    assert found(f'any(ids,["{of_the_shirt[0]}"]),equals(published,true)') == of_the_shirt[:1]
    narrowed = f'/api/catalog-items/{SHIRT}/variants?filter=equals(sku,"JP-FLAN-1-M")&fields[catalog-variant]=title'
    assert [entry["attributes"] for entry in shop.data(narrowed)] == [{"title": "Juniper Flannel Shirt, M"}]


def test_the_variants_of_an_item_are_paged_with_and_without_attributes(shop):
    for path in (f"/api/catalog-items/{SHIRT}/variants", f"/api/catalog-items/{SHIRT}/relationships/variants"):
        assert len(shop.get(f"{path}?page[size]=3&sort=-created").json()["data"]) == 3
        assert len(shop.walk(f"{path}?page[size]=3&sort=-created")) == 4
    assert shop.data(f"/api/catalog-items/{SHIRT}/relationships/variants")[0] == {
        "type": "catalog-variant",
        "id": "$custom:::$default:::JP-FLAN-1-L",
    }
    assert shop.get("/api/catalog-items/none/variants").status_code == 404


def test_a_category_is_created_with_items_renamed_and_deleted(sandbox):
    answer = create(sandbox, "catalog-category", {"external_id": "gifts", "name": "Gifts"}, items=[item(TENT)])
    assert answer.status_code == 201
    made = answer.json()["data"]
    assert set(made["attributes"]) == {"external_id", "name", "updated"}
    path = f"/api/catalog-categories/{made['id']}"
    assert ids(sandbox.data(f"{path}/items")) == [TENT]
    renamed = patch(sandbox, path, "catalog-category", {"name": "Presents"}, items=[item(SHIRT)]).json()["data"]
    assert renamed["attributes"]["name"] == "Presents"
    assert sandbox.data(path) == renamed
    assert ids(sandbox.data(f"{path}/relationships/items")) == [SHIRT]
    assert sandbox.delete(path).status_code == 204
    assert sandbox.get(path).status_code == 404
    assert made["id"] not in ids(sandbox.data(f"/api/catalog-items/{SHIRT}/categories"))


def test_a_category_is_not_made_of_items_that_do_not_exist(sandbox):
    answer = create(sandbox, "catalog-category", {"external_id": "gifts", "name": "Gifts"}, items=[item("none")])
    assert sandbox.problem(answer, 404)["detail"] == "An item with id none does not exist."
    assert sandbox.get("/api/catalog-categories/$custom:::$default:::gifts").status_code == 404


def test_categories_are_found_by_item_name_and_ids(shop):
    def found(condition):
        return ids(shop.data(f"/api/catalog-categories?filter={condition}&fields[catalog-category]=name"))

    assert found('contains(name,"cloth")') == [CLOTHING]
    assert found(f'equals(item.id,"{SHIRT}")') == [CLOTHING]
    assert found(f'any(ids,["{CAMPING}","{CLOTHING}"])') == [CAMPING, CLOTHING]
    narrowed = f'/api/catalog-items/{TENT}/categories?filter=contains(name,"camp")&sort=-created'
    assert ids(shop.data(narrowed)) == [CAMPING]


def test_items_and_categories_are_related_from_either_side(sandbox):
    of_item = f"/api/catalog-items/{TENT}/relationships/categories"
    of_category = f"/api/catalog-categories/{CLOTHING}/relationships/items"
    before = ids(sandbox.data(of_item))
    assert sandbox.post(of_item, {"data": [category(CLOTHING)]}).status_code == 204
    assert ids(sandbox.data(of_item)) == sorted([*before, CLOTHING])
    assert TENT in ids(sandbox.data(of_category))
    assert TENT in ids(sandbox.data(f"/api/catalog-categories/{CLOTHING}/items"))
    assert sandbox.delete(of_category, {"data": [item(TENT)]}).status_code == 204
    assert ids(sandbox.data(of_item)) == before
    assert sandbox.post(of_category, {"data": [item(TENT)]}).status_code == 204
    assert sandbox.delete(of_item, {"data": [category(CLOTHING)]}).status_code == 204
    assert TENT not in ids(sandbox.data(of_category))


def test_relating_what_is_related_already_is_a_conflict_and_changes_nothing(sandbox):
    of_item = f"/api/catalog-items/{TENT}/relationships/categories"
    before = sandbox.data(of_item)
    sandbox.problem(sandbox.post(of_item, {"data": [category(CLOTHING), category(CAMPING)]}), 409)
    assert sandbox.data(of_item) == before
    of_category = f"/api/catalog-categories/{CAMPING}/relationships/items"
    sandbox.problem(sandbox.post(of_category, {"data": [item(TENT)]}), 409)


def test_a_relationship_is_replaced_from_either_side(sandbox):
    of_item = f"/api/catalog-items/{TENT}/relationships/categories"
    assert sandbox.patch(of_item, {"data": [category(CLOTHING)]}).status_code == 204
    assert ids(sandbox.data(of_item)) == [CLOTHING]
    of_category = f"/api/catalog-categories/{CLOTHING}/relationships/items"
    assert sandbox.patch(of_category, {"data": [item(SHIRT)]}).status_code == 204
    assert ids(sandbox.data(of_category)) == [SHIRT]
    assert sandbox.data(of_item) == []
    create(sandbox, "catalog-item", ITEM, categories=[category(CLOTHING)])
    assert ids(sandbox.data(of_category)) == [SHIRT, LAMP]
    patch(sandbox, f"/api/catalog-items/{LAMP}", "catalog-item", {}, categories=[category(CAMPING)])
    assert ids(sandbox.data(f"/api/catalog-items/{LAMP}/relationships/categories")) == [CAMPING]


def test_relationships_are_only_to_what_exists(sandbox):
    of_item = f"/api/catalog-items/{TENT}/relationships/categories"
    for change in (sandbox.post, sandbox.patch, sandbox.delete):
        assert change(of_item, {"data": [category("none")]}).status_code == 404
        assert change("/api/catalog-items/none/relationships/categories", {"data": []}).status_code == 404
    assert sandbox.post(of_item, {"data": [item(TENT)]}).status_code == 400


def test_a_category_shows_its_items_page_by_page_with_their_variants(shop):
    path = f"/api/catalog-categories/{CLOTHING}/items"
    document = shop.get(f"{path}?page[size]=2&sort=-created&include=variants").json()
    assert len(document["data"]) == 2
    assert {entry["type"] for entry in document["included"]} == {"catalog-variant"}
    assert len(shop.walk(f"{path}?page[size]=2&sort=-created")) == 4
    assert ids(shop.data(f'{path}?filter=contains(title,"sock")')) == ["$custom:::$default:::JP-SOCK-1"]
    assert ids(shop.data(f'/api/catalog-categories/{CLOTHING}/relationships/items?filter=any(ids,["{SHIRT}"])')) == [
        SHIRT
    ]


def subscribe(talk, variant, channels=("EMAIL",), **data):
    attributes = {"channels": list(channels)}
    if data:
        attributes["profile"] = {"data": {"type": "profile", "attributes": {}, **data}}
    relationships = {"variant": {"data": {"type": "catalog-variant", "id": variant}}}
    body = {"type": "back-in-stock-subscription", "attributes": attributes, "relationships": relationships}
    return talk.post("/api/back-in-stock-subscriptions", {"data": body})


def waiting(talk, email):
    metric = talk.metric_id("Subscribed to Back in Stock")
    profile = talk.profile(email)["id"]
    return talk.data(f'/api/events?filter=equals(metric_id,"{metric}"),equals(profile_id,"{profile}")')


def test_subscribing_to_a_variant_makes_the_profile_and_leaves_an_event(sandbox):
    variant = "$custom:::$default:::JP-FLAN-1-XL"
    answer = subscribe(sandbox, variant, ("EMAIL", "SMS"), attributes={"email": "Nia@example.org"})
    assert (answer.status_code, answer.content) == (202, b"")
    (event,) = waiting(sandbox, "nia@example.org")
    properties = event["attributes"]["event_properties"]
    assert (properties["VariantID"], properties["ProductID"]) == ("JP-FLAN-1-XL", "JP-FLAN-1")
    assert properties["Channels"] == ["EMAIL", "SMS"]
    assert datetime.fromisoformat(event["attributes"]["datetime"]) == sandbox.clock.now()


def test_a_profile_can_be_subscribed_by_its_id(sandbox):
    profile = sandbox.create_profile(email="nia@example.org")
    sandbox.clock.advance(5)
    assert subscribe(sandbox, "$custom:::$default:::JP-FLAN-1-XL", id=profile).status_code == 202
    assert len(waiting(sandbox, "nia@example.org")) == 1
    assert subscribe(sandbox, "$custom:::$default:::JP-FLAN-1-XL", id="none").status_code == 404


def test_a_subscription_needs_somebody_a_channel_and_a_variant(sandbox):
    variant, nia = "$custom:::$default:::JP-FLAN-1-XL", {"email": "nia@example.org"}
    assert sandbox.problem(subscribe(sandbox, variant), 400)["source"]["pointer"].endswith("/profile/data/attributes")
    assert sandbox.problem(subscribe(sandbox, variant, attributes={}), 400)
    assert sandbox.problem(subscribe(sandbox, variant, (), attributes=nia), 400)
    assert sandbox.problem(subscribe(sandbox, variant, ("PIGEON",), attributes=nia), 400)
    assert sandbox.problem(subscribe(sandbox, "none", attributes=nia), 404)
    assert sandbox.profile("nia@example.org") is None


def test_the_catalogue_has_the_products_of_the_orders(shop):
    titles = {item["attributes"]["title"]: item["attributes"] for item in shop.data("/api/catalog-items")}
    metric = shop.metric_id("Ordered Product")
    for event in shop.data(f'/api/events?filter=equals(metric_id,"{metric}")&page[size]=50'):
        properties = event["attributes"]["event_properties"]
        assert titles[properties["ProductName"]]["external_id"] == properties["SKU"]
    assert any(entry["attributes"]["inventory_quantity"] == 0 for entry in shop.data("/api/catalog-variants"))
