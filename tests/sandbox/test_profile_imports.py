"""Bulk imports: a job takes profiles in, and each succeeds or fails by itself."""

from typing import Any

from tests.sandbox.conftest import Talk

JOBS = "/api/profile-bulk-import-jobs"


def start(sandbox: Talk, *profiles: dict[str, Any], lists: tuple[str, ...] = ()) -> dict[str, Any]:
    entries = [{"type": "profile", "attributes": profile} for profile in profiles]
    data: dict[str, Any] = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": entries}}}
    if lists:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": identifier} for identifier in lists]}}
    answer = sandbox.post(JOBS, {"data": data})
    assert answer.status_code == 202, answer.text
    return answer.json()["data"]


def test_an_import_is_queued_then_processed_then_complete(sandbox: Talk) -> None:
    job = start(sandbox, {"email": "ona@example.org", "first_name": "Ona"}, {"phone_number": "+14155550123"})
    assert job["attributes"] == {
        "status": "queued",
        "created_at": "2026-11-16T12:00:00.000000+00:00",
        "started_at": None,
        "total_count": 2,
        "completed_count": 0,
        "failed_count": 0,
        "completed_at": None,
        "expires_at": "2026-11-23T12:00:00.000000+00:00",
    }
    assert sandbox.profile("ona@example.org") is None
    sandbox.clock.advance(0.5)
    assert sandbox.data(f"{JOBS}/{job['id']}")["attributes"]["status"] == "processing"
    sandbox.clock.advance(0.5)
    done = sandbox.data(f"{JOBS}/{job['id']}")["attributes"]
    assert (done["status"], done["completed_count"], done["failed_count"]) == ("complete", 2, 0)
    assert done["completed_at"] == "2026-11-16T12:00:01.000000+00:00"
    profile = sandbox.profile("ona@example.org")
    assert profile is not None
    assert profile["attributes"]["first_name"] == "Ona"


def test_how_long_a_job_takes_is_an_option_of_the_sandbox(make_sandbox: Any) -> None:
    sandbox = make_sandbox(job_seconds=0)
    job = start(sandbox, {"email": "ona@example.org"})
    assert sandbox.data(f"{JOBS}/{job['id']}")["attributes"]["status"] == "complete"


def test_a_known_profile_is_updated_and_keeps_what_is_not_named(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org", first_name="Ona", title="Owner")
    start(sandbox, {"email": "ONA@example.org ", "first_name": "Onna", "title": None})
    sandbox.clock.advance(1)
    attributes = sandbox.data(f"/api/profiles/{ona}")["attributes"]
    assert (attributes["email"], attributes["first_name"], attributes["title"]) == ("ona@example.org", "Onna", None)


def test_a_faulty_profile_fails_alone_and_its_error_can_be_read(sandbox: Talk) -> None:
    job = start(sandbox, {"phone_number": "12345", "first_name": "Bo"}, {"email": "ona@example.org"}, {"title": "x"})
    sandbox.clock.advance(1)
    done = sandbox.data(f"{JOBS}/{job['id']}")["attributes"]
    assert (done["total_count"], done["completed_count"], done["failed_count"]) == (3, 1, 2)
    errors = sandbox.data(f"{JOBS}/{job['id']}/import-errors")
    by_place = {error["attributes"]["source"]["pointer"]: error["attributes"] for error in errors}
    assert set(by_place) == {
        "/data/attributes/profiles/data/0/attributes/phone_number",
        "/data/attributes/profiles/data/2/attributes",
    }
    first = by_place["/data/attributes/profiles/data/0/attributes/phone_number"]
    assert (first["code"], first["title"]) == ("invalid", "Invalid input.")
    assert first["detail"].startswith("Invalid phone number format")
    assert first["original_payload"]["attributes"] == {"phone_number": "12345", "first_name": "Bo"}


def test_a_malformed_address_refuses_the_whole_import(sandbox: Talk) -> None:
    entries = [{"type": "profile", "attributes": {"email": email}} for email in ("ona@example.org", "not an address")]
    body = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": entries}}}
    error = sandbox.problem(sandbox.post(JOBS, {"data": body}), 400)
    assert error["detail"] == "Invalid email address"
    assert error["source"] == {"pointer": "/data/attributes/profiles/data/1/attributes/email"}
    assert len(sandbox.data(JOBS)) == 1


def test_identifiers_of_two_profiles_are_a_conflict(sandbox: Talk) -> None:
    sandbox.create_profile(email="ona@example.org")
    sandbox.create_profile(phone_number="+14155550123")
    job = start(sandbox, {"email": "ona@example.org", "phone_number": "+14155550123"})
    sandbox.clock.advance(1)
    (error,) = sandbox.data(f"{JOBS}/{job['id']}/import-errors")
    assert error["attributes"]["code"] == "duplicate_profile"


def test_imported_profiles_are_put_on_the_lists(sandbox: Talk) -> None:
    target = sandbox.create_list("Imported")
    job = start(sandbox, {"email": "ona@example.org"}, lists=(target,))
    assert job["relationships"]["lists"]["data"] == [{"type": "list", "id": target}]
    sandbox.clock.advance(1)
    (member,) = sandbox.data(f"/api/lists/{target}/profiles")
    assert member["attributes"]["email"] == "ona@example.org"
    assert [item["id"] for item in sandbox.data(f"{JOBS}/{job['id']}/lists")] == [target]
    assert sandbox.data(f"{JOBS}/{job['id']}/relationships/lists") == [{"type": "list", "id": target}]
    included = sandbox.get(f"{JOBS}/{job['id']}?include=lists&fields[list]=name").json()["included"]
    assert [item["attributes"] for item in included] == [{"name": "Imported"}]


def test_an_unknown_list_is_refused_before_anything_happens(sandbox: Talk) -> None:
    body = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": [{"type": "profile", "attributes": {"email": "ona@example.org"}}]}},
        "relationships": {"lists": {"data": [{"type": "list", "id": "NOPE01"}]}},
    }
    assert sandbox.problem(sandbox.post(JOBS, {"data": body}), 400)["detail"] == "List not found with id NOPE01."
    assert len(sandbox.data(JOBS)) == 1


def test_the_profiles_of_a_job_are_read_in_pages(sandbox: Talk) -> None:
    job = start(sandbox, *({"email": f"person{number}@example.org"} for number in range(5)))
    sandbox.clock.advance(1)
    path = f"{JOBS}/{job['id']}"
    full = sandbox.walk(f"{path}/profiles?page[size]=2&additional-fields[profile]=subscriptions")
    assert {item["attributes"]["email"] for item in full} == {f"person{number}@example.org" for number in range(5)}
    assert "subscriptions" in full[0]["attributes"]
    bare = sandbox.walk(f"{path}/relationships/profiles?page[size]=2")
    assert bare == [{"type": "profile", "id": item["id"]} for item in full]


def test_jobs_are_filtered_by_status_and_sorted_by_age(sandbox: Talk) -> None:
    first = start(sandbox, {"email": "a@example.org"})["id"]
    sandbox.clock.advance(60)
    second = start(sandbox, {"email": "b@example.org"})["id"]
    newest_first = [job["id"] for job in sandbox.data(JOBS)]
    assert newest_first[:2] == [second, first]
    assert [job["id"] for job in sandbox.data(f"{JOBS}?sort=created_at")] == newest_first[::-1]
    assert [job["id"] for job in sandbox.data(f'{JOBS}?filter=equals(status,"queued")')] == [second]
    assert len(sandbox.data(f'{JOBS}?filter=any(status,["complete"])')) == 2
    assert [job["id"] for job in sandbox.walk(f"{JOBS}?page[size]=1")] == newest_first
    refused = sandbox.get(f'{JOBS}?filter=equals(status,"cancelled")')
    assert sandbox.problem(refused, 400)["source"] == {"parameter": "filter"}


def test_only_the_named_fields_are_shown(sandbox: Talk) -> None:
    job = start(sandbox, {"email": "a@example.org"})
    found = sandbox.data(f"{JOBS}/{job['id']}?fields[profile-bulk-import-job]=status")
    assert found["attributes"] == {"status": "queued"}
    refused = sandbox.get(f"{JOBS}/{job['id']}?fields[profile-bulk-import-job]=errors")
    assert sandbox.problem(refused, 400)["code"] == "invalid"


def test_a_job_is_gone_after_seven_days_with_its_errors(sandbox: Talk) -> None:
    job = start(sandbox, {"title": "nobody"})
    sandbox.clock.advance(7 * 86400 - 1)
    assert len(sandbox.data(f"{JOBS}/{job['id']}/import-errors")) == 1
    sandbox.clock.advance(1)
    assert sandbox.get(f"{JOBS}/{job['id']}").status_code == 404
    assert sandbox.get(f"{JOBS}/{job['id']}/import-errors").status_code == 404


def test_an_id_nobody_has_fails_and_properties_can_be_patched(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org", properties={"likes": ["tea"]})
    entries = [
        {"type": "profile", "id": "01KXNOBODY", "attributes": {"first_name": "X"}},
        {
            "type": "profile",
            "id": ona,
            "attributes": {},
            "meta": {"patch_properties": {"append": {"likes": "cake"}}},
        },
    ]
    data = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": entries}}}
    job = sandbox.post(JOBS, {"data": data}).json()["data"]["id"]
    sandbox.clock.advance(1)
    (error,) = sandbox.data(f"{JOBS}/{job}/import-errors")
    assert error["attributes"]["code"] == "not_found"
    assert sandbox.data(f"/api/profiles/{ona}")["attributes"]["properties"] == {"likes": ["tea", "cake"]}


def test_the_demo_shop_shows_an_import_with_an_error(shop: Talk) -> None:
    (job,) = shop.data(JOBS)
    assert job["attributes"]["failed_count"] == 1
    (error,) = shop.data(f"{JOBS}/{job['id']}/import-errors")
    assert error["attributes"]["detail"] == "Invalid email address"
    assert len(shop.data(f"{JOBS}/{job['id']}/profiles")) == job["attributes"]["completed_count"]
