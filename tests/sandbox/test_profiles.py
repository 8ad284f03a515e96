"""Profiles: identifiers, creating, importing, changing, and what is shown of them on request."""

import re

import pytest


def body(profile_id=None, meta=None, **attributes):
    data = {"type": "profile", "attributes": attributes}
    if profile_id is not None:
        data["id"] = profile_id
    if meta is not None:
        data["meta"] = meta
    return {"data": data}


def imported(sandbox, *args, status=200, **attributes):
    answer = sandbox.post("/api/profile-import", body(*args, **attributes))
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def test_a_created_profile_can_be_read_back(sandbox):
    answer = sandbox.post(
        "/api/profiles",
        body(
            email="Ana.Berg@Example.org",
            first_name="Ana",
            location={"city": "Oslo"},
            properties={"size": "M", "tags": ["a"]},
        ),
    )
    assert answer.status_code == 201
    profile = answer.json()["data"]
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", profile["id"])
    attributes = profile["attributes"]
    assert attributes["email"] == "ana.berg@example.org"
    assert attributes["first_name"] == "Ana"
    assert attributes["last_name"] is None
    assert attributes["location"]["city"] == "Oslo"
    assert attributes["location"]["country"] is None
    assert attributes["properties"] == {"size": "M", "tags": ["a"]}
    assert attributes["created"] == attributes["updated"] == "2026-11-16T12:00:00.000000+00:00"
    assert attributes["last_event_date"] is attributes["anonymous_id"] is attributes["whatsapp_bsuid"] is None
    found = sandbox.data(f"/api/profiles/{profile['id']}")
    assert found["attributes"] == sandbox.kept(attributes)
    # Only operations that can include conversations link to them.
    assert found["relationships"].keys() - profile["relationships"].keys() == {"conversations"}
    assert sandbox.profile("ana.berg@example.org") == found


@pytest.mark.parametrize(
    "identifier", [{"email": "a@b.example"}, {"phone_number": "+4740000001"}, {"external_id": "x 1"}]
)
def test_one_identifier_is_enough(sandbox, identifier):
    assert sandbox.create_profile(**identifier)


def test_an_external_id_may_be_a_number_and_stays_one(sandbox):
    profile = sandbox.create_profile(external_id=4711)
    assert sandbox.data(f"/api/profiles/{profile}")["attributes"]["external_id"] == 4711
    (found,) = sandbox.data('/api/profiles?filter=equals(external_id,"4711")')
    assert found["id"] == profile
    assert sandbox.post("/api/profiles", body(external_id="4711")).status_code == 409
    assert sandbox.post("/api/profile-import", body(external_id=4711, title="Dr")).status_code == 200


def test_an_anonymous_id_is_taken_and_finds_the_profile(sandbox):
    profile = sandbox.create_profile(email="ana@example.org", anonymous_id="anon-1")
    assert sandbox.create_profile(email="ben@example.org", anonymous_id=None)
    conflict = sandbox.problem(sandbox.post("/api/profiles", body(email="c@example.org", anonymous_id="anon-1")), 409)
    assert conflict["meta"]["duplicate_profile_id"] == profile


@pytest.mark.parametrize("path", ["/api/profiles", "/api/profile-import"])
def test_a_faulty_number_beside_an_address_is_dropped_and_told_in_a_header(sandbox, path):
    answer = sandbox.post(path, body(email="ana@example.org", phone_number="12345"))
    assert answer.status_code == 201
    assert answer.headers["X-Klaviyo-Partial-Failure"] == "phone_number"
    assert answer.json()["data"]["attributes"]["phone_number"] is None
    for attributes in ({"phone_number": "12345"}, {"email": "not an address", "phone_number": "12345"}):
        assert sandbox.post(path, body(**attributes)).status_code == 400


@pytest.mark.parametrize("attributes", [{}, {"first_name": "Ana"}, {"email": None}])
def test_a_profile_without_an_identifier_is_refused(sandbox, attributes):
    for path in ("/api/profiles", "/api/profile-import"):
        error = sandbox.problem(sandbox.post(path, body(**attributes)), 400)
        assert "identifier" in error["detail"]


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"email": "not an address"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a" * 90 + "@example.org"}, "email"),
        ({"phone_number": "5551234"}, "phone_number"),
        ({"phone_number": "+0123456789"}, "phone_number"),
        ({"email": "a@b.example", "location": {"latitude": "north"}}, "location/latitude"),
        ({"email": "a@b.example", "location": {"planet": "Mars"}}, "location/planet"),
        ({"email": "a@b.example", "properties": ["list"]}, "properties"),
        ({"email": "a@b.example", "created": "2026-01-01T00:00:00Z"}, "created"),
    ],
)
def test_a_wrong_attribute_is_refused_where_it_is(sandbox, attributes, field):
    error = sandbox.problem(sandbox.post("/api/profiles", body(**attributes)), 400)
    assert error["source"] == {"pointer": f"/data/attributes/{field}"}


def test_a_hundred_characters_of_email_are_allowed(sandbox):
    assert sandbox.create_profile(email="a" * 88 + "@example.org")


def test_a_profile_may_not_be_larger_than_100_kilobytes(sandbox):
    assert sandbox.problem(
        sandbox.post("/api/profiles", body(email="a@b.example", properties={"x": "y" * 102_400})), 413
    )


def test_creating_a_profile_with_a_taken_identifier_is_a_conflict_that_names_the_other(sandbox):
    first = sandbox.create_profile(email="ana@example.org", external_id="ext-1")
    for attributes in ({"email": "ANA@example.org"}, {"email": "new@example.org", "external_id": "ext-1"}):
        error = sandbox.problem(sandbox.post("/api/profiles", body(**attributes)), 409)
        assert error["code"] == "duplicate_profile"
        assert error["title"] == "Conflict."
        assert error["detail"] == "A profile already exists with one of these identifiers."
        assert error["source"] == {"pointer": "/data/attributes"}
        assert error["meta"] == {"duplicate_profile_id": first}
    assert sandbox.profile("new@example.org") is None


def test_importing_creates_once_and_then_updates(sandbox):
    created = imported(sandbox, email="ana@example.org", first_name="Ana", status=201)
    updated = imported(sandbox, email="ana@example.org", last_name="Berg", status=200)
    assert updated["id"] == created["id"]
    assert (updated["attributes"]["first_name"], updated["attributes"]["last_name"]) == ("Ana", "Berg")


def test_null_clears_and_absent_keeps(sandbox):
    imported(
        sandbox,
        email="ana@example.org",
        first_name="Ana",
        title="Dr",
        location={"city": "Oslo", "zip": "1"},
        status=201,
    )
    changed = imported(sandbox, email="ana@example.org", title=None, location={"zip": None})["attributes"]
    assert changed["first_name"] == "Ana"
    assert changed["title"] is None
    assert (changed["location"]["city"], changed["location"]["zip"]) == ("Oslo", None)
    assert imported(sandbox, email="ana@example.org", location=None)["attributes"]["location"]["city"] is None


def test_properties_are_merged(sandbox):
    imported(sandbox, email="ana@example.org", properties={"a": 1, "b": 2, "c": {"deep": 1}}, status=201)
    merged = imported(sandbox, email="ana@example.org", properties={"b": None, "c": {"other": 2}, "d": [4]})
    assert merged["attributes"]["properties"] == {"a": 1, "c": {"other": 2}, "d": [4]}


def test_properties_can_be_patched(sandbox):
    imported(
        sandbox, email="ana@example.org", properties={"sizes": ["S"], "colour": "red", "old": 1, "older": 2}, status=201
    )
    meta = {"patch_properties": {"append": {"sizes": ["M", "S"], "colour": "blue", "new": "x"}, "unset": "old"}}
    patched = imported(sandbox, None, meta, email="ana@example.org")["attributes"]["properties"]
    assert patched == {"sizes": ["S", "M"], "colour": ["red", "blue"], "new": ["x"], "older": 2}
    meta = {"patch_properties": {"unappend": {"sizes": "S", "nothing": 1}, "unset": ["older", "new"]}}
    patched = imported(sandbox, None, meta, email="ana@example.org")["attributes"]["properties"]
    assert patched == {"sizes": ["M"], "colour": ["red", "blue"]}


def test_importing_by_id_changes_identifiers(sandbox):
    profile = sandbox.create_profile(email="ana@example.org")
    changed = imported(sandbox, profile, email="ana.new@example.org")
    assert changed["id"] == profile
    assert sandbox.profile("ana@example.org") is None
    assert sandbox.problem(
        sandbox.post("/api/profile-import", body("01ARZ3NDEKTSV4RRFFQ69G5FAV", email="x@y.example")), 404
    )


def test_importing_identifiers_of_two_profiles_is_a_conflict(sandbox):
    sandbox.create_profile(email="ana@example.org")
    other = sandbox.create_profile(external_id="ext-2")
    answer = sandbox.post("/api/profile-import", body(email="ana@example.org", external_id="ext-2"))
    assert sandbox.problem(answer, 409)["meta"] == {"duplicate_profile_id": other}


def test_updating_changes_what_is_named(sandbox):
    profile = sandbox.create_profile(email="ana@example.org", first_name="Ana")
    sandbox.clock.advance(60)
    answer = sandbox.patch(f"/api/profiles/{profile}", body(profile, last_name="Berg"))
    assert answer.status_code == 200
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["first_name"], attributes["last_name"]) == ("Ana", "Berg")
    assert attributes["created"] == "2026-11-16T12:00:00+00:00"
    assert attributes["updated"] == "2026-11-16T12:01:00.000000+00:00"


def test_updating_needs_the_same_id_in_path_and_body(sandbox):
    profile = sandbox.create_profile(email="ana@example.org")
    error = sandbox.problem(sandbox.patch(f"/api/profiles/{profile}", body("01ARZ3NDEKTSV4RRFFQ69G5FAV")), 400)
    assert error["source"] == {"pointer": "/data/id"}
    assert sandbox.problem(sandbox.patch(f"/api/profiles/{profile}", body()), 400)["source"] == {"pointer": "/data/id"}


def test_updating_to_a_taken_identifier_or_to_none_is_refused_and_changes_nothing(sandbox):
    ana = sandbox.create_profile(email="ana@example.org")
    ben = sandbox.create_profile(email="ben@example.org")
    answer = sandbox.patch(f"/api/profiles/{ben}", body(ben, email="ana@example.org"))
    assert sandbox.problem(answer, 409)["meta"] == {"duplicate_profile_id": ana}
    assert sandbox.problem(sandbox.patch(f"/api/profiles/{ben}", body(ben, email=None)), 400)
    assert sandbox.data(f"/api/profiles/{ben}")["attributes"]["email"] == "ben@example.org"


def test_writing_can_answer_with_additional_and_sparse_fields(sandbox):
    answer = sandbox.post(
        "/api/profiles?additional-fields[profile]=subscriptions&fields[profile]=email", body(email="ana@example.org")
    )
    assert set(answer.json()["data"]["attributes"]) == {"email", "subscriptions"}


def test_an_unknown_exchange_id_identifies_nobody(sandbox):
    assert sandbox.data('/api/profiles?filter=equals(_kx,"nobody")') == []
    assert sandbox.problem(sandbox.post("/api/profile-import", body(_kx="nobody")), 400)
    created = imported(sandbox, email="ana@example.org", _kx="exchange", status=201)
    assert "_kx" not in created["attributes"]
    assert imported(sandbox, _kx="exchange", first_name="Ana")["id"] == created["id"]


def test_predictions_follow_from_orders(shop):
    maya = shop.profile("maya.lindqvist@example.org", "&additional-fields[profile]=predictive_analytics")
    predictions = maya["attributes"]["predictive_analytics"]
    placed = shop.metric_id("Placed Order")
    orders = shop.data(f'/api/events?filter=equals(profile_id,"{maya["id"]}"),equals(metric_id,"{placed}")')
    values = [order["attributes"]["event_properties"]["$value"] for order in orders]
    assert predictions["historic_number_of_orders"] == len(orders) == 7
    assert predictions["historic_clv"] == pytest.approx(sum(values))
    assert predictions["average_order_value"] == pytest.approx(sum(values) / 7, abs=0.01)
    assert 0 <= predictions["churn_probability"] <= 1
    assert predictions["total_clv"] == pytest.approx(
        predictions["historic_clv"] + predictions["predicted_clv"], abs=0.01
    )
    assert predictions["ranked_channel_affinity"] == ["email", "sms"]


def test_without_orders_there_are_no_predictions(sandbox):
    profile = sandbox.create_profile(email="ana@example.org")
    attributes = sandbox.data(f"/api/profiles/{profile}?additional-fields[profile]=predictive_analytics")["attributes"]
    assert set(attributes["predictive_analytics"].values()) == {None}
