"""Bulk jobs on the catalogue: accepted at once, carried out entry by entry a little later."""

import pytest

TENT = "$custom:::$default:::JP-TENT-2"
# Kind → path of its entries, key of its jobs, and what a new one needs.
KINDS = {
    "catalog-item": (
        "catalog-items",
        "items",
        {"title": "Tent Lamp", "description": "Hangs anywhere.", "url": "https://shop.example/l"},
        {},
    ),
    "catalog-variant": (
        "catalog-variants",
        "variants",
        {
            "title": "Tent Lamp",
            "description": "Hangs anywhere.",
            "url": "https://shop.example/l",
            "sku": "L",
            "inventory_quantity": 1,
            "price": 5,
        },
        {"item": {"data": {"type": "catalog-item", "id": TENT}}},
    ),
    "catalog-category": ("catalog-categories", "categories", {"name": "Gifts"}, {}),
}
every_kind = pytest.mark.parametrize("kind", list(KINDS))


def new_entry(kind, external_id):
    _, _, attributes, relationships = KINDS[kind]
    entry = {"type": kind, "attributes": {"external_id": external_id, **attributes}}
    return {**entry, "relationships": relationships} if relationships else entry


def start(talk, kind, verb, entries):
    job = f"{kind}-bulk-{verb}-job"
    body = {"type": job, "attributes": {KINDS[kind][1]: {"data": entries}}}
    return talk.post(f"/api/{job}s", {"data": body})


def started(talk, kind, verb, entries):
    answer = start(talk, kind, verb, entries)
    assert answer.status_code == 202, answer.text
    return f"/api/{kind}-bulk-{verb}-jobs/{answer.json()['data']['id']}"


def finished(talk, kind, verb, entries):
    path = started(talk, kind, verb, entries)
    talk.clock.advance(1)
    return talk.data(path)


@every_kind
def test_a_job_is_processed_then_complete(sandbox, kind):
    home, key, _, _ = KINDS[kind]
    answer = start(sandbox, kind, "create", [new_entry(kind, "A"), new_entry(kind, "B")])
    assert answer.status_code == 202
    job = answer.json()["data"]
    assert job["type"] == f"{kind}-bulk-create-job"
    assert job["attributes"] == {
        "status": "processing",
        "created_at": "2026-11-16T12:00:00.000000+00:00",
        "total_count": 2,
        "completed_count": 0,
        "failed_count": 0,
        "completed_at": None,
        "errors": [],
        "expires_at": "2026-11-23T12:00:00.000000+00:00",
    }
    path = f"/api/{kind}-bulk-create-jobs/{job['id']}"
    made = "$custom:::$default:::A"
    sandbox.clock.advance(0.5)
    assert sandbox.data(path)["attributes"]["status"] == "processing"
    assert sandbox.get(f"/api/{home}/{made}").status_code == 404
    sandbox.clock.advance(0.5)
    document = sandbox.get(f"{path}?include={key}").json()
    done = document["data"]["attributes"]
    assert (done["status"], done["completed_count"], done["failed_count"]) == ("complete", 2, 0)
    assert done["completed_at"] == "2026-11-16T12:00:01.000000+00:00"
    assert [entry["id"] for entry in document["included"]] == [made, "$custom:::$default:::B"]
    assert sandbox.data(f"/api/{home}/{made}")["attributes"]["external_id"] == "A"


@every_kind
def test_entries_that_fail_are_counted_and_explained_and_the_others_are_made(sandbox, kind):
    finished(sandbox, kind, "create", [new_entry(kind, "A")])
    job = finished(sandbox, kind, "create", [new_entry(kind, "A"), new_entry(kind, "B")])["attributes"]
    assert (job["status"], job["completed_count"], job["failed_count"]) == ("complete", 1, 1)
    (error,) = job["errors"]
    assert (error["code"], error["source"]["pointer"].split("/attributes")[1]) == (
        "conflict",
        f"/{KINDS[kind][1]}/data/0",
    )
    assert sandbox.get(f"/api/{KINDS[kind][0]}/$custom:::$default:::B").status_code == 200


@every_kind
def test_a_job_updates_entries(sandbox, kind):
    home, key, _, _ = KINDS[kind]
    finished(sandbox, kind, "create", [new_entry(kind, "A")])
    name = "name" if kind == "catalog-category" else "title"
    there, nowhere = (
        {"type": kind, "id": f"$custom:::$default:::{external}", "attributes": {name: "New"}}
        for external in ("A", "none")
    )
    path = started(sandbox, kind, "update", [there, nowhere])
    sandbox.clock.advance(1)
    document = sandbox.get(f"{path}?include={key}&fields[{kind}]={name}").json()
    job = document["data"]["attributes"]
    assert (job["completed_count"], job["failed_count"], job["errors"][0]["code"]) == (1, 1, "not_found")
    assert [entry["attributes"] for entry in document["included"]] == [{name: "New"}]
    assert sandbox.data(f"/api/{home}/$custom:::$default:::A")["attributes"][name] == "New"


@every_kind
def test_a_job_deletes_entries(sandbox, kind):
    home, key, _, _ = KINDS[kind]
    finished(sandbox, kind, "create", [new_entry(kind, "A")])
    entries = [{"type": kind, "id": f"$custom:::$default:::{external}"} for external in ("A", "none")]
    job = finished(sandbox, kind, "delete", entries)
    assert (job["attributes"]["completed_count"], job["attributes"]["failed_count"]) == (1, 1)
    assert job["relationships"][key]["data"] == [{"type": kind, "id": "$custom:::$default:::A"}]
    assert sandbox.get(f"/api/{home}/$custom:::$default:::A").status_code == 404
    path = f"/api/{kind}-bulk-delete-jobs/{job['id']}"
    assert sandbox.get(f"{path}?include={key}").status_code == 400


@every_kind
@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_jobs_are_listed_latest_first_and_found_by_status(sandbox, kind, verb):
    def entry():
        made = new_entry(kind, "A")
        return made if verb == "create" else {"type": kind, "id": "none", **({} if verb == "delete" else ATTRIBUTES)}

    first = started(sandbox, kind, verb, [entry()])
    sandbox.clock.advance(10)
    second = started(sandbox, kind, verb, [entry()])
    home = f"/api/{kind}-bulk-{verb}-jobs"
    listed = [f"{home}/{job['id']}" for job in sandbox.data(f"{home}?fields[{kind}-bulk-{verb}-job]=status")]
    assert listed == [second, first]
    assert [job["id"] for job in sandbox.data(f'{home}?filter=equals(status,"processing")')] == [second.split("/")[-1]]
    assert sandbox.get(f'{home}?filter=equals(status,"lost")').status_code == 400
    assert sandbox.get(f"{home}?page[size]=5").status_code == 400
    assert sandbox.get(f"{home}/none").status_code == 404


ATTRIBUTES = {"attributes": {}}


@every_kind
def test_a_job_takes_at_most_a_hundred_entries_of_the_right_shape(sandbox, kind):
    key = KINDS[kind][1]
    many = [new_entry(kind, str(number)) for number in range(101)]
    error = sandbox.problem(start(sandbox, kind, "create", many), 400)
    assert error["source"]["pointer"] == f"/data/attributes/{key}/data"
    assert started(sandbox, kind, "create", many[:100])
    assert start(sandbox, kind, "create", [{"type": kind, "attributes": {"external_id": "A"}}]).status_code == 400
    assert start(sandbox, kind, "update", [{"type": kind, "attributes": {}}]).status_code == 400
    assert start(sandbox, kind, "delete", [{"type": kind, "id": "A", "attributes": {}}]).status_code == 400


def test_jobs_are_gone_after_seven_days(sandbox):
    path = started(sandbox, "catalog-category", "create", [new_entry("catalog-category", "A")])
    sandbox.clock.advance(7 * 86400 - 1)
    assert sandbox.get(path).status_code == 200
    sandbox.clock.advance(1)
    assert sandbox.get(path).status_code == 404
    assert sandbox.get("/api/catalog-categories/$custom:::$default:::A").status_code == 200


def test_a_job_puts_items_into_categories_and_categories_around_items(sandbox):
    camping = "$custom:::$default:::camping"
    lamp = new_entry("catalog-item", "LAMP")
    lamp["relationships"] = {"categories": {"data": [{"type": "catalog-category", "id": camping}]}}
    lost = new_entry("catalog-item", "LOST")
    lost["relationships"] = {"categories": {"data": [{"type": "catalog-category", "id": "none"}]}}
    job = finished(sandbox, "catalog-item", "create", [lamp, lost])["attributes"]
    assert (job["completed_count"], job["failed_count"]) == (1, 1)
    lamp_id = "$custom:::$default:::LAMP"
    assert lamp_id in [item["id"] for item in sandbox.data(f"/api/catalog-categories/{camping}/items")]
    assert sandbox.get("/api/catalog-items/$custom:::$default:::LOST").status_code == 404
    change = {
        "type": "catalog-category",
        "id": camping,
        "attributes": {},
        "relationships": {"items": {"data": [{"type": "catalog-item", "id": TENT}]}},
    }
    finished(sandbox, "catalog-category", "update", [change])
    assert [item["id"] for item in sandbox.data(f"/api/catalog-categories/{camping}/items")] == [TENT]
