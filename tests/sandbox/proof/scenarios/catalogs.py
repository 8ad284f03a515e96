"""Catalog items, variants and categories one by one and in bulk, back in stock, coupons and their codes."""

from collections.abc import Callable
from typing import Any

from scenarios.sdk import JSON, Klaviyo, body, every_page, ids, refs, refused

HOME = "$custom:::$default:::"


def _item(number: int, **more: Any) -> JSON:
    address = f"https://example.org/sdk-{number}"
    about = {"title": f"SDK shirt {number}", "description": "Light", "url": address, "price": 20.0 + number}
    return {"external_id": f"SDK-{number}", **about, **more}


def _variant(number: int) -> JSON:
    return {**_item(number), "sku": f"SDK-{number}", "inventory_quantity": 5, "inventory_policy": 1}


def an_item_with_variants_sits_in_categories(klaviyo: Klaviyo) -> None:
    catalogs = klaviyo.Catalogs
    summer = catalogs.create_catalog_category(body("catalog-category", external_id="sdk-summer", name="Summer")).data.id
    winter = catalogs.create_catalog_category(body("catalog-category", external_id="sdk-winter", name="Winter")).data.id
    item = catalogs.create_catalog_item(
        body("catalog-item", None, {"categories": [("catalog-category", summer)]}, **_item(1))
    ).data
    assert item.id == f"{HOME}SDK-1"
    variant = catalogs.create_catalog_variant(
        body("catalog-variant", None, {"item": ("catalog-item", item.id)}, **_variant(11))
    ).data
    assert ids(catalogs.get_variants_for_catalog_item(item.id, sort="created")) == [variant.id]
    assert ids(catalogs.get_variant_ids_for_catalog_item(item.id)) == [variant.id]
    read = catalogs.get_catalog_item(item.id, include=["variants"])
    assert [one.id for one in read.included] == [variant.id]
    assert catalogs.get_catalog_variant(variant.id).data.attributes.sku == "SDK-11"

    assert ids(catalogs.get_categories_for_catalog_item(item.id)) == [summer]
    catalogs.add_categories_to_catalog_item(item.id, refs("catalog-category", winter))
    assert set(ids(catalogs.get_category_ids_for_catalog_item(item.id))) == {summer, winter}
    assert ids(catalogs.get_items_for_catalog_category(winter, include=["variants"])) == [item.id]
    catalogs.remove_categories_from_catalog_item(item.id, refs("catalog-category", winter))
    assert ids(catalogs.get_item_ids_for_catalog_category(winter)) == []
    catalogs.update_categories_for_catalog_item(item.id, refs("catalog-category", winter))
    assert ids(catalogs.get_category_ids_for_catalog_item(item.id)) == [winter]
    catalogs.remove_items_from_catalog_category(winter, refs("catalog-item", item.id))
    catalogs.add_items_to_catalog_category(summer, refs("catalog-item", item.id))
    catalogs.update_items_for_catalog_category(winter, refs("catalog-item", item.id))
    assert set(ids(catalogs.get_category_ids_for_catalog_item(item.id))) == {summer, winter}

    catalogs.update_catalog_item(item.id, body("catalog-item", item.id, price=9.5))
    catalogs.update_catalog_variant(variant.id, body("catalog-variant", variant.id, inventory_quantity=0))
    catalogs.update_catalog_category(summer, body("catalog-category", summer, name="Sun"))
    assert catalogs.get_catalog_category(summer).data.attributes.name == "Sun"
    found = catalogs.get_catalog_items(filter=f'and(any(ids,["{item.id}"]),equals(published,true))')
    assert [one.attributes.price for one in found.data] == [9.5]
    empty = catalogs.get_catalog_variants(filter=f'equals(item.id,"{item.id}")')
    assert [one.attributes.inventory_quantity for one in empty.data] == [0]
    assert len(every_page(catalogs.get_catalog_items, page_size=8, sort="-created", include=["variants"])) == 21
    assert len(every_page(catalogs.get_catalog_categories, page_size=4, sort="created")) == 9

    klaviyo.Catalogs.create_back_in_stock_subscription(
        body(
            "back-in-stock-subscription",
            None,
            {"variant": ("catalog-variant", variant.id)},
            channels=["EMAIL"],
            profile={"data": {"type": "profile", "attributes": {"email": "waiting.sdk@example.org"}}},
        )
    )
    klaviyo.wait(60)
    assert len(klaviyo.Profiles.get_profiles(filter='equals(email,"waiting.sdk@example.org")').data) == 1

    catalogs.delete_catalog_variant(variant.id)
    catalogs.delete_catalog_item(item.id)
    catalogs.delete_catalog_category(winter)
    assert refused(catalogs.get_catalog_item, item.id) == (404, "not_found")


Call = Callable[..., Any]


def catalogs_are_filled_changed_and_emptied_in_bulk(klaviyo: Klaviyo) -> None:
    catalogs = klaviyo.Catalogs
    names = {
        "item": (catalogs.get_bulk_create_catalog_items_job, catalogs.get_bulk_create_catalog_items_jobs,
                 catalogs.get_bulk_update_catalog_items_job, catalogs.get_bulk_update_catalog_items_jobs,
                 catalogs.get_bulk_delete_catalog_items_job, catalogs.get_bulk_delete_catalog_items_jobs),
        "variant": (catalogs.get_bulk_create_variants_job, catalogs.get_bulk_create_variants_jobs,
                    catalogs.get_bulk_update_variants_job, catalogs.get_bulk_update_variants_jobs,
                    catalogs.get_bulk_delete_variants_job, catalogs.get_bulk_delete_variants_jobs),
        "category": (catalogs.get_bulk_create_categories_job, catalogs.get_bulk_create_categories_jobs,
                     catalogs.get_bulk_update_categories_job, catalogs.get_bulk_update_categories_jobs,
                     catalogs.get_bulk_delete_categories_job, catalogs.get_bulk_delete_categories_jobs),
    }  # fmt: skip
    for kind, plural, make, change, remove, read in (
        ("item", "items", catalogs.bulk_create_catalog_items, catalogs.bulk_update_catalog_items,
         catalogs.bulk_delete_catalog_items, catalogs.get_catalog_item),
        ("variant", "variants", catalogs.bulk_create_catalog_variants, catalogs.bulk_update_catalog_variants,
         catalogs.bulk_delete_catalog_variants, catalogs.get_catalog_variant),
        ("category", "categories", catalogs.bulk_create_catalog_categories, catalogs.bulk_update_catalog_categories,
         catalogs.bulk_delete_catalog_categories, catalogs.get_catalog_category),
    ):  # fmt: skip
        made_job, made_jobs, changed_job, changed_jobs, removed_job, removed_jobs = names[kind]
        word = "name" if kind == "category" else "title"
        job = make(_job(kind, plural, "create", [_new(kind, number) for number in (1, 2)])).data
        klaviyo.wait(5)
        done = made_job(job.id, include=[plural])
        assert done.data.attributes.status == "complete"
        identifiers = [f"{HOME}SDK-{number}" for number in (1, 2)]
        assert sorted(one.id for one in done.included) == identifiers
        assert job.id in ids(made_jobs(filter='equals(status,"complete")'))

        data = [{"type": f"catalog-{kind}", "id": one, "attributes": {word: "New"}} for one in identifiers]
        job = change(_job(kind, plural, "update", data)).data
        klaviyo.wait(5)
        assert changed_job(job.id, include=[plural]).data.attributes.completed_count == 2
        assert job.id in ids(changed_jobs())
        assert getattr(read(identifiers[0]).data.attributes, word) == "New"

        if kind != "item":
            job = remove(_job(kind, plural, "delete", refs(f"catalog-{kind}", *identifiers)["data"])).data
            klaviyo.wait(5)
            assert removed_job(job.id).data.attributes.completed_count == 2
            assert job.id in ids(removed_jobs())
            assert refused(read, identifiers[0]) == (404, "not_found")
    items = refs("catalog-item", f"{HOME}SDK-1", f"{HOME}SDK-2")["data"]
    job = catalogs.bulk_delete_catalog_items(_job("item", "items", "delete", items)).data
    klaviyo.wait(5)
    assert catalogs.get_bulk_delete_catalog_items_job(job.id).data.attributes.completed_count == 2
    assert job.id in ids(catalogs.get_bulk_delete_catalog_items_jobs())


def _new(kind: str, number: int) -> JSON:
    if kind == "category":
        attributes = {"external_id": f"SDK-{number}", "name": "Category"}
        return {"type": "catalog-category", "attributes": attributes}
    if kind == "item":
        return {"type": "catalog-item", "attributes": _item(number)}
    item = {"item": {"data": {"type": "catalog-item", "id": f"{HOME}SDK-1"}}}
    return {"type": "catalog-variant", "attributes": _variant(number), "relationships": item}


def _job(kind: str, plural: str, verb: str, data: list[JSON]) -> JSON:
    return body(f"catalog-{kind}-bulk-{verb}-job", **{plural: {"data": data}})


def coupons_give_out_codes(klaviyo: Klaviyo) -> None:
    coupons = klaviyo.Coupons
    coupon = coupons.create_coupon(body("coupon", external_id="SDK20", description="20% off")).data
    coupons.update_coupon(
        coupon.id, body("coupon", coupon.id, description="Off", monitor_configuration={"low_balance_threshold": 100})
    )
    assert coupons.get_coupon(coupon.id).data.attributes.description == "Off"
    assert coupon.id in [one.id for one in every_page(coupons.get_coupons, page_size=2)]
    code = coupons.create_coupon_code(
        body(
            "coupon-code",
            None,
            {"coupon": ("coupon", coupon.id)},
            unique_code="FIRST",
            expires_at="2027-01-01T00:00:00+00:00",
        )
    ).data
    assert code.attributes.status == "UNASSIGNED"
    related = {"coupon": {"data": {"type": "coupon", "id": coupon.id}}}
    more = [
        {"type": "coupon-code", "attributes": {"unique_code": f"NEXT{number}"}, "relationships": related}
        for number in range(3)
    ]
    job = coupons.bulk_create_coupon_codes(body("coupon-code-bulk-create-job", **{"coupon-codes": {"data": more}})).data
    klaviyo.wait(5)
    done = coupons.get_bulk_create_coupon_codes_job(job.id, include=["coupon-codes"])
    assert done.data.attributes.completed_count == 3
    assert job.id in ids(coupons.get_bulk_create_coupon_code_jobs(filter='equals(status,"complete")'))

    codes = every_page(coupons.get_coupon_codes, filter=f'equals(coupon.id,"{coupon.id}")', page_size=3)
    assert {one.attributes.unique_code for one in codes} == {"FIRST", "NEXT0", "NEXT1", "NEXT2"}
    assert len(ids(coupons.get_coupon_codes_for_coupon(coupon.id, filter='equals(status,"UNASSIGNED")'))) == 4
    assert code.id in ids(coupons.get_coupon_code_ids_for_coupon(coupon.id))
    assert coupons.get_coupon_for_coupon_code(code.id).data.id == coupon.id
    assert coupons.get_coupon_id_for_coupon_code(code.id).data.id == coupon.id
    coupons.update_coupon_code(code.id, body("coupon-code", code.id, status="USED"))
    read = coupons.get_coupon_code(code.id, include=["coupon"])
    assert read.data.attributes.status == "USED"
    coupons.delete_coupon_code(codes[-1].id)
    coupons.delete_coupon(coupon.id)
    assert refused(coupons.get_coupon, coupon.id) == (404, "not_found")
