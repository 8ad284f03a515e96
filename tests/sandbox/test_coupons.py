"""Coupons and the codes that are handed out for them."""

import pytest


def create_coupon(talk, external_id, **attributes):
    body = {"type": "coupon", "attributes": {"external_id": external_id, **attributes}}
    return talk.post("/api/coupons", {"data": body})


def code_data(coupon, code, **attributes):
    return {
        "type": "coupon-code",
        "attributes": {"unique_code": code, **attributes},
        "relationships": {"coupon": {"data": {"type": "coupon", "id": coupon}}},
    }


def create_code(talk, coupon, code, **attributes):
    return talk.post("/api/coupon-codes", {"data": code_data(coupon, code, **attributes)})


def patch(talk, kind, identifier, **attributes):
    data = {"type": kind, "id": identifier, "attributes": attributes}
    return talk.patch(f"/api/{kind}s/{identifier}", {"data": data})


def codes(talk, condition, extra=""):
    return talk.data(f"/api/coupon-codes?filter={condition}{extra}")


def test_the_external_id_of_a_coupon_is_its_id(sandbox):
    answer = create_coupon(
        sandbox, "10OFF", description="10% off", monitor_configuration={"low_balance_threshold": 500}
    )
    assert answer.status_code == 201
    made = answer.json()["data"]
    assert made["id"] == "10OFF"
    assert made["attributes"] == {
        "external_id": "10OFF",
        "description": "10% off",
        "monitor_configuration": {"low_balance_threshold": "500"},
        "assigner_configuration": None,
    }
    assert "relationships" not in made
    assert sandbox.data("/api/coupons/10OFF") == made
    assert sandbox.problem(create_coupon(sandbox, "10OFF"), 409)["code"] == "conflict"


@pytest.mark.parametrize("external_id", ["10-OFF", "10 OFF", "ÉTÉ", ""])
def test_a_coupon_id_is_a_plain_word(sandbox, external_id):
    error = sandbox.problem(create_coupon(sandbox, external_id), 400)
    assert error["source"]["pointer"] == "/data/attributes/external_id"


def test_asking_for_a_coupon_by_an_id_that_is_none_is_not_the_same_as_one_that_does_not_exist(sandbox):
    assert sandbox.get("/api/coupons/10-OFF").status_code == 400
    assert sandbox.get("/api/coupons/NOTHING").status_code == 404


@pytest.mark.parametrize("configuration", [{"low_balance_threshold": 99}, {"low_balance_threshold": 1.5}, {}, {"a": 1}])
def test_a_balance_to_be_warned_at_is_at_least_a_hundred(sandbox, configuration):
    error = sandbox.problem(create_coupon(sandbox, "A", monitor_configuration=configuration), 400)
    assert error["source"]["pointer"].startswith("/data/attributes/monitor_configuration/")


def test_a_coupon_is_changed_with_what_was_read_from_it(sandbox):
    create_coupon(sandbox, "A", description="One", monitor_configuration={"low_balance_threshold": 200})
    read = sandbox.data("/api/coupons/A")["attributes"]["monitor_configuration"]
    assert patch(sandbox, "coupon", "A", monitor_configuration=read, description="Two").status_code == 200
    assert patch(sandbox, "coupon", "A", monitor_configuration=None).json()["data"]["attributes"] == {
        "external_id": "A",
        "description": "Two",
        "monitor_configuration": None,
        "assigner_configuration": None,
    }
    assert sandbox.problem(patch(sandbox, "coupon", "A", external_id="B"), 400)
    assert patch(sandbox, "coupon", "NOTHING").status_code == 404


def test_a_coupon_says_who_is_given_another_code(sandbox):
    rule = {"used": "ASSIGN_IF_EXPIRED", "unused_expired": "NEVER_ASSIGN"}
    assert create_coupon(sandbox, "A", assigner_configuration=rule).status_code == 201
    assert (
        patch(sandbox, "coupon", "A", description="One").json()["data"]["attributes"]["assigner_configuration"] == rule
    )
    read = sandbox.data("/api/coupons/A?fields[coupon]=assigner_configuration.used")
    assert read["attributes"] == {"assigner_configuration": {"used": "ASSIGN_IF_EXPIRED"}}
    for wrong in ({"used": "ALWAYS_ASSIGN"}, {**rule, "unused_expired": "ASSIGN_IF_EXPIRED"}):
        error = sandbox.problem(patch(sandbox, "coupon", "A", assigner_configuration=wrong), 400)
        assert error["source"]["pointer"] == "/data/attributes/assigner_configuration/unused_expired"


@pytest.mark.parametrize("path", ["coupon-codes", "relationships/coupon-codes"])
def test_codes_of_a_coupon_were_filtered_by_it_until_revision_2026_10_15(shop, path):
    filtered = f'/api/coupons/TRAIL20/{path}?filter=equals(coupon.id,["TRAIL20"])'
    assert len(shop.data(filtered, revision="2026-07-15")) == 40
    assert shop.problem(shop.get(filtered), 400)["source"] == {"parameter": "filter"}


def test_deleting_a_coupon_deletes_its_codes(sandbox):
    create_coupon(sandbox, "A")
    create_code(sandbox, "A", "1")
    assert sandbox.delete("/api/coupons/A").status_code == 204
    assert sandbox.get("/api/coupons/A").status_code == 404
    assert sandbox.get("/api/coupon-codes/A-1").status_code == 404
    assert sandbox.delete("/api/coupons/A").status_code == 404


def test_coupons_are_paged_and_shown_in_part(shop):
    assert [coupon["id"] for coupon in shop.walk("/api/coupons?page[size]=2")] == ["WELCOME10", "TRAIL20", "FREESHIP"]
    described = shop.data("/api/coupons?fields[coupon]=description")
    assert described[-1]["attributes"] == {"description": "Free shipping on orders over $50"}
    assert shop.get("/api/coupons?filter=equals(id,'A')").status_code == 400


def test_a_code_is_unassigned_and_good_for_a_year(sandbox):
    create_coupon(sandbox, "A")
    answer = create_code(sandbox, "A", "X1")
    assert answer.status_code == 200
    made = answer.json()["data"]
    assert made["id"] == "A-X1"
    assert made["attributes"] == {
        "unique_code": "X1",
        "expires_at": "2027-11-16T12:00:00Z",
        "status": "UNASSIGNED",
    }
    assert made["relationships"]["coupon"]["data"] == {"type": "coupon", "id": "A"}
    assert set(made["relationships"]["profile"]) == {"links"}
    kept = sandbox.data("/api/coupon-codes/A-X1")
    assert kept["attributes"] == {**made["attributes"], "expires_at": "2027-11-16T12:00:00+00:00"}
    assert {**kept, "attributes": made["attributes"]} == made
    until = create_code(sandbox, "A", "X2", expires_at="2026-12-24T00:00:00+00:00").json()["data"]["attributes"]
    assert until["expires_at"] == "2026-12-24T00:00:00Z"


def test_a_code_belongs_to_a_coupon_and_is_unique_in_it(sandbox):
    create_coupon(sandbox, "A")
    create_coupon(sandbox, "B")
    assert [create_code(sandbox, coupon, "X").status_code for coupon in ("A", "B", "A", "C")] == [200, 200, 409, 404]
    body = code_data("A", "Y")
    del body["relationships"]
    assert sandbox.problem(sandbox.post("/api/coupon-codes", {"data": body}), 400)


def test_the_status_and_the_end_of_a_code_can_be_changed(sandbox):
    create_coupon(sandbox, "A")
    create_code(sandbox, "A", "X", expires_at="2026-12-24T00:00:00+00:00")
    used = patch(sandbox, "coupon-code", "A-X", status="USED").json()["data"]["attributes"]
    assert (used["status"], used["expires_at"]) == ("USED", "2026-12-24T00:00:00+00:00")
    renewed = patch(sandbox, "coupon-code", "A-X", status=None, expires_at=None).json()["data"]["attributes"]
    assert (renewed["status"], renewed["expires_at"]) == ("USED", "2027-11-16T12:00:00+00:00")
    assert sandbox.data("/api/coupon-codes/A-X")["attributes"] == renewed
    assert sandbox.problem(patch(sandbox, "coupon-code", "A-X", status="LOST"), 400)
    assert sandbox.problem(patch(sandbox, "coupon-code", "A-X", unique_code="Y"), 400)
    assert patch(sandbox, "coupon-code", "A-Y").status_code == 404


def test_a_code_can_be_deleted_unless_somebody_was_given_it(sandbox):
    unassigned, *_ = codes(sandbox, 'any(coupon.id,["WELCOME10"]),equals(status,"UNASSIGNED")')
    assigned, *_ = codes(sandbox, 'any(coupon.id,["WELCOME10"]),equals(status,"ASSIGNED_TO_PROFILE")')
    assert sandbox.delete(f"/api/coupon-codes/{unassigned['id']}").status_code == 204
    assert sandbox.get(f"/api/coupon-codes/{unassigned['id']}").status_code == 404
    assert sandbox.problem(sandbox.delete(f"/api/coupon-codes/{assigned['id']}"), 409)
    assert sandbox.get(f"/api/coupon-codes/{assigned['id']}").status_code == 200


def test_codes_are_only_listed_for_a_coupon_or_a_profile(shop):
    assert shop.problem(shop.get("/api/coupon-codes"), 400)["source"] == {"parameter": "filter"}
    assert shop.get('/api/coupon-codes?filter=equals(status,"USED")').status_code == 400
    every = codes(shop, 'any(coupon.id,["WELCOME10","TRAIL20"])')
    assert len(every) == 80
    one = codes(shop, 'equals(coupon.id,["TRAIL20"])')
    assert {code["relationships"]["coupon"]["data"]["id"] for code in one} == {"TRAIL20"}
    holder = next(
        code["relationships"]["profile"]["data"] for code in every if "data" in code["relationships"]["profile"]
    )
    mine = codes(shop, f'any(profile.id,["{holder["id"]}"])')
    assert mine
    assert all(code["relationships"]["profile"]["data"] == holder for code in mine)


def test_codes_are_narrowed_by_status_and_end_paged_and_include_their_coupon(shop):
    of = 'any(coupon.id,["WELCOME10"])'
    assert {code["attributes"]["status"] for code in codes(shop, f'{of},equals(status,"USED")')} == {"USED"}
    every = codes(shop, of)
    middle = every[7]["attributes"]["expires_at"].replace("+00:00", "Z")
    sooner = codes(shop, f"{of},less-than(expires_at,{middle})")
    later = codes(shop, f"{of},greater-or-equal(expires_at,{middle})")
    assert sooner
    assert len(sooner) + len(later) == len(every) == 40
    path = f"/api/coupon-codes?filter={of}&page[size]=15&include=coupon&fields[coupon]=description"
    assert shop.walk(path) == codes(shop, of)
    (coupon,) = shop.get(path).json()["included"]
    assert coupon["attributes"] == {"description": "10% off the first order"}
    alone = shop.get(f"/api/coupon-codes/{every[0]['id']}?include=coupon&fields[coupon-code]=status").json()
    assert alone["included"][0]["id"] == "WELCOME10"
    assert list(alone["data"]["attributes"]) == ["status"]


def test_a_coupon_and_its_codes_lead_to_each_other(shop):
    path = "/api/coupons/TRAIL20"
    full = shop.data(f"{path}/coupon-codes")
    assert full == codes(shop, 'any(coupon.id,["TRAIL20"])')
    bare = [{"type": "coupon-code", "id": code["id"]} for code in full]
    assert shop.walk(f"{path}/relationships/coupon-codes?page[size]=30") == bare
    for kind in ("coupon-codes", "relationships/coupon-codes"):
        used = shop.data(f'{path}/{kind}?filter=equals(status,"USED")')
        assert 0 < len(used) < len(full)
        assert shop.get(f"/api/coupons/NOTHING/{kind}").status_code == 404
    code = full[0]["id"]
    assert shop.data(f"/api/coupon-codes/{code}/coupon") == shop.data(path)
    assert shop.data(f"/api/coupon-codes/{code}/relationships/coupon") == {"type": "coupon", "id": "TRAIL20"}
    assert shop.get("/api/coupon-codes/NOTHING/relationships/coupon").status_code == 404


def start_job(talk, *entries):
    attributes = {"coupon-codes": {"data": list(entries)}}
    body = {"type": "coupon-code-bulk-create-job", "attributes": attributes}
    return talk.post("/api/coupon-code-bulk-create-jobs", {"data": body})


def test_many_codes_are_made_by_a_job(sandbox):
    create_coupon(sandbox, "A")
    entries = [code_data("A", "1"), code_data("A", "1"), code_data("B", "2")]
    answer = start_job(sandbox, *entries)
    assert answer.status_code == 202
    job = answer.json()["data"]
    assert (job["attributes"]["status"], job["attributes"]["total_count"]) == ("processing", 3)
    sandbox.clock.advance(1)
    path = f"/api/coupon-code-bulk-create-jobs/{job['id']}"
    document = sandbox.get(f"{path}?include=coupon-codes&fields[coupon-code]=unique_code").json()
    done = document["data"]["attributes"]
    assert (done["status"], done["completed_count"], done["failed_count"]) == ("complete", 1, 2)
    assert [error["code"] for error in done["errors"]] == ["conflict", "not_found"]
    assert [code["id"] for code in document["included"]] == ["A-1"]
    assert sandbox.get("/api/coupon-codes/A-1").status_code == 200
    home = "/api/coupon-code-bulk-create-jobs"
    assert [job["id"] for job in sandbox.data(f'{home}?filter=equals(status,"complete")')] == [job["id"]]
    assert sandbox.data(f'{home}?filter=equals(status,"queued")') == []
    assert sandbox.get(f"{home}?page[size]=1").status_code == 400


def test_a_job_takes_a_thousand_codes_and_a_hundred_jobs_wait_at_once(sandbox):
    create_coupon(sandbox, "A")
    entries = [code_data("A", str(number)) for number in range(1001)]
    assert start_job(sandbox, *entries).status_code == 400
    assert start_job(sandbox, *entries[:1000]).status_code == 202
    assert [start_job(sandbox, entries[0]).status_code for _ in range(99)] == [202] * 99
    assert sandbox.problem(start_job(sandbox, entries[0]), 429)["code"] == "throttled"
    sandbox.clock.advance(1)
    assert start_job(sandbox, entries[0]).status_code == 202
    assert len(codes(sandbox, 'any(coupon.id,["A"])')) == 100
