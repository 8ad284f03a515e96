"""Who may call, how, and what answers when something about the request itself is wrong."""

import gzip
import json
import re

import pytest

from klaviyo_sandbox import COMPANY_ID, OTHER_API_KEY, READ_ONLY_API_KEY, UnknownFeature, create_app
from klaviyo_sandbox.facts import REVISION, REVISIONS

EARLIEST = REVISIONS[-1]
A_LIST = {"data": {"type": "list", "attributes": {"name": "Any"}}}


def test_a_valid_key_reads_its_own_account(shop):
    (account,) = shop.data("/api/accounts")
    assert account["id"] == account["attributes"]["public_api_key"] == COMPANY_ID
    assert account["attributes"]["contact_information"]["organization_name"] == "Juniper & Pine"
    assert shop.data(f"/api/accounts/{COMPANY_ID}") == account


def test_accounts_never_mix(shop):
    other = shop.data("/api/accounts", key=OTHER_API_KEY)[0]["id"]
    assert other != COMPANY_ID
    assert shop.get(f"/api/accounts/{other}").status_code == 404
    mine = {profile["id"] for profile in shop.data("/api/profiles?page[size]=100")}
    theirs = {profile["id"] for profile in shop.data("/api/profiles?page[size]=100", key=OTHER_API_KEY)}
    assert mine
    assert theirs
    assert not mine & theirs
    stranger = theirs.pop()
    assert shop.get(f"/api/profiles/{stranger}").status_code == 404
    assert shop.data(f'/api/events?filter=equals(profile_id,"{stranger}")') == []


def test_the_same_identifier_may_exist_in_two_accounts(sandbox):
    body = {"data": {"type": "profile", "attributes": {"email": "both@example.org"}}}
    assert sandbox.post("/api/profiles", body).status_code == 201
    assert sandbox.post("/api/profiles", body, key=OTHER_API_KEY).status_code == 201
    assert sandbox.post("/api/profiles", body, key=OTHER_API_KEY).status_code == 409


@pytest.mark.parametrize("authorization", [None, "", "Basic abc", "Klaviyo-API-Key", "pk_sandbox_demo_key"])
def test_a_missing_or_wrong_scheme_is_not_authenticated(shop, authorization):
    error = shop.problem(shop.get("/api/lists", key=None, Authorization=authorization), 401)
    assert error["code"] == "not_authenticated"
    assert error["title"] == "Authentication credentials were not provided."
    assert error["detail"] == "Missing or invalid authorization scheme. Please use Klaviyo-API-Key."
    assert error["source"] == {"pointer": "/data/"}


@pytest.mark.parametrize("authorization", ["Klaviyo-API-Key pk_wrong", "Bearer made-up-token"])
def test_wrong_credentials_fail_authentication(shop, authorization):
    error = shop.problem(shop.get("/api/lists", key=None, Authorization=authorization), 401)
    assert error["code"] == "authentication_failed"
    assert error["title"] == error["detail"] == "Incorrect authentication credentials."
    assert error["source"] == {"pointer": "/data/"}


def test_a_read_only_key_may_read_but_not_write(sandbox):
    assert sandbox.get("/api/lists", key=READ_ONLY_API_KEY).status_code == 200
    error = sandbox.problem(sandbox.post("/api/lists", A_LIST, key=READ_ONLY_API_KEY), 403)
    assert error["code"] == "permission_denied"
    assert error["title"] == "You do not have permission to perform this action."
    assert "lists:write" in error["detail"]


def test_the_revision_header_is_required(shop):
    assert shop.problem(shop.get("/api/lists", revision=None), 400)["code"] == "invalid"


@pytest.mark.parametrize("revision", ["latest", "2026-7-15", "2026-13-01", "20260715", "2026-07-15.beta"])
def test_a_malformed_revision_is_refused(shop, revision):
    assert shop.problem(shop.get("/api/lists", revision=revision), 400)["code"] == "invalid"


def test_a_future_revision_is_not_found(shop):
    error = shop.problem(shop.get("/api/lists", revision="2099-01-15"), 404)
    assert error["detail"] == "Unable to specify a future revision date"


@pytest.mark.parametrize("revision", ["2026-07-15", "2025-10-15", "2026-10-15", "2026-07-15.pre", "2022-10-17"])
def test_known_and_retired_revisions_are_answered_and_the_answer_says_as_what(shop, revision):
    answer = shop.get("/api/lists", revision=revision)
    assert answer.status_code == 200
    assert answer.headers["X-Klaviyo-API-Revision"] == REVISION


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_no_newer_document_has_is_answered_at_any_revision(shop, revision):
    answer = shop.get(f"/client/geofences?company_id={COMPANY_ID}", key=None, revision=revision)
    assert answer.status_code == 200
    assert answer.headers["X-Klaviyo-API-Revision"] == EARLIEST


@pytest.mark.parametrize(("path", "body"), [("/api/brand-logos", None), ("/api/brand-colors", {})])
def test_what_came_later_is_not_found_at_an_older_revision_and_the_right_one_is_named(shop, path, body):
    def ask(revision):
        return shop.request("GET" if body is None else "POST", path, body, revision=revision)

    error = shop.problem(ask(EARLIEST), 404)
    assert error["source"] == {"parameter": "revision"}
    assert f"from revision {REVISION} on" in error["detail"]
    assert f"asks for {EARLIEST}" in error["detail"]
    assert ask(REVISION).status_code != 404


def test_an_operation_that_took_another_form_is_answered_in_that_of_the_revision(shop):
    newsletter = "/api/campaigns?filter=equals(messages.channel,'email')"
    before, after = shop.data(newsletter, revision=EARLIEST), shop.data("/api/campaigns", revision=REVISION)
    assert {"name", "status", "audiences"} <= before[0]["attributes"].keys()
    assert {"name", "builder"} <= after[0]["attributes"]["definition"].keys()
    assert {campaign["id"] for campaign in before} <= {campaign["id"] for campaign in after}
    for revision, form in ((EARLIEST, EARLIEST), ("2025-01-15", EARLIEST), (REVISION, REVISION)):
        answer = shop.get(f"/api/campaigns/{before[0]['id']}", revision=revision)
        assert answer.headers["X-Klaviyo-API-Revision"] == form


def test_a_retired_revision_is_gone_for_those_who_opt_out_of_falling_forward(shop):
    opted_out = {"X_Klaviyo_Revision_Fall_Forward_Opt_Out": "1"}
    assert shop.problem(shop.get("/api/lists", revision="2022-10-17", **opted_out), 410)
    assert shop.get("/api/lists", revision="2025-10-15", **opted_out).status_code == 200


def test_answers_carry_a_request_id_the_company_and_the_revision(shop):
    first, second = shop.get("/api/lists"), shop.get("/api/lists/NOPE01")
    for answer in (first, second):
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["X-Klaviyo-Req-Id"])
        assert answer.headers["CID"] == COMPANY_ID
        assert answer.headers["X-Klaviyo-API-Revision"] == REVISION
    assert first.headers["X-Klaviyo-Req-Id"] != second.headers["X-Klaviyo-Req-Id"]


def test_an_unknown_path_is_not_found(shop):
    assert shop.problem(shop.get("/api/nothing-here"), 404)["code"] == "not_found"
    assert shop.problem(shop.get("/"), 404)["code"] == "not_found"


def test_a_wrong_method_is_refused_and_the_right_ones_are_named(shop):
    answer = shop.request("PUT", "/api/lists/ABCDEF")
    assert shop.problem(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["Allow"] == "DELETE, GET, PATCH"


def test_a_trailing_slash_makes_no_difference(shop):
    assert shop.data("/api/lists/") == shop.data("/api/lists")


def test_something_missing_is_named_in_a_not_found_error(shop):
    error = shop.problem(shop.get("/api/accounts/NOPE01"), 404)
    assert error["title"] == "Not found."
    assert error["detail"] == "Account with id NOPE01 not found."
    assert error["source"] == {"pointer": "/data/"}


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_of_another_content_type_is_refused(sandbox, media_type):
    answer = sandbox.post("/api/lists", A_LIST, Content_Type=media_type)
    assert sandbox.problem(answer, 415)["code"] == "unsupported_media_type"


def test_plain_json_is_accepted_too(sandbox):
    assert sandbox.post("/api/lists", A_LIST, Content_Type="application/json; charset=utf-8").status_code == 201


def test_a_body_of_more_than_5_megabytes_is_refused(sandbox):
    assert sandbox.problem(sandbox.post("/api/lists", b" " * (5 * 1024 * 1024 + 1)), 413)


def test_the_size_of_a_compressed_body_is_that_of_its_content(sandbox):
    small = gzip.compress(json.dumps(A_LIST).encode())
    assert sandbox.post("/api/lists", small, Content_Encoding="gzip").status_code == 201
    large = gzip.compress(b" " * (5 * 1024 * 1024 + 1))
    assert len(large) < 10_000
    assert sandbox.problem(sandbox.post("/api/lists", large, Content_Encoding="gzip"), 413)
    assert sandbox.problem(sandbox.post("/api/lists", b"not gzip", Content_Encoding="gzip"), 400)


BROKEN = [b"", b"{", b"[]", b'"data"', b'{"data": NaN}', b'{"data": ' + b"[" * 100_000, b'{"data": "\\ud800"}']


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_body_that_is_not_a_json_object_is_refused(sandbox, content):
    assert sandbox.problem(sandbox.post("/api/lists", content), 400)["code"] == "invalid"


@pytest.mark.parametrize(
    ("data", "pointer", "detail"),
    [
        ({"type": "list"}, "/data/attributes", "'attributes' is a required field for the resource 'list'."),
        (
            {"type": "list", "attributes": {}},
            "/data/attributes/name",
            "'name' is a required field for the resource 'list'.",
        ),
        ({"attributes": {"name": "A"}}, "/data/type", "'type' is a required field for the resource 'list'."),
        (
            {"type": "list", "attributes": {"name": "A", "colour": "red"}},
            "/data/attributes/colour",
            "'colour' is not a valid field for the resource 'list'.",
        ),
        ({"type": "list", "attributes": {"name": 7}}, "/data/attributes/name", "'name' must be a string."),
        ({"type": "list", "attributes": {"name": None}}, "/data/attributes/name", "'name' may not be null."),
        (
            {"type": "segment", "attributes": {"name": "A"}},
            "/data/type",
            "'segment' is not a valid value for 'type'. Choose one of ['list'].",
        ),
        (
            {"type": "list", "id": "ABCDEF", "attributes": {"name": "A"}},
            "/data/id",
            "'id' is not a valid field for the resource 'list'.",
        ),
    ],
)
def test_a_wrong_body_is_refused_with_a_pointer_to_what_is_wrong(sandbox, data, pointer, detail):
    error = sandbox.problem(sandbox.post("/api/lists", {"data": data}), 400)
    assert error["code"] == "invalid"
    assert error["title"] == "Invalid input."
    assert error["source"] == {"pointer": pointer}
    assert error["detail"] == detail


def test_all_problems_of_a_body_are_reported_at_once(sandbox):
    answer = sandbox.post("/api/lists", {"data": {"type": "lists", "attributes": {"colour": 1}}})
    pointers = [error["source"]["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/data/type", "/data/attributes/colour", "/data/attributes/name"]


def test_answers_say_what_the_path_knows_and_what_they_vary_by(shop):
    for answer in (shop.get("/api/lists"), shop.get("/api/lists?sort=colour"), shop.get("/api/lists", key=None)):
        assert answer.headers["Allow"] == "GET, POST"
        assert answer.headers["Vary"]
        assert answer.headers["Content-Language"]
        assert answer.headers["Date"]
    assert "Allow" not in shop.get("/api/nothing").headers


@pytest.mark.parametrize(
    ("revision", "retired"), [("2026-07-15", None), ("2025-10-15", "2027-10-15"), ("2022-10-17", "2024-10-16")]
)
def test_answers_of_old_revisions_say_when_they_are_retired(shop, revision, retired):
    answer = shop.get("/api/lists", revision=revision)
    assert answer.headers.get("X-Klaviyo-API-Retirement-Date") == retired


PUSH_TOKEN = {
    "token": "abc",
    "platform": "ios",
    "vendor": "apns",
    "profile": {"data": {"type": "profile", "attributes": {"email": "ana@example.org"}}},
}


@pytest.mark.parametrize(
    ("feature", "path", "kind", "attributes", "detail"),
    [
        (
            "object-types",
            "/api/object-types",
            "object-type",
            {"title": "Pets"},
            "Entitlement to create object type not found.",
        ),
        ("push", "/api/push-tokens", "push-token", PUSH_TOKEN, "Company is not able to process push tokens"),
    ],
)
def test_a_feature_that_the_account_lacks_is_forbidden(make_sandbox, feature, path, kind, attributes, detail):
    body = {"data": {"type": kind, "attributes": attributes}}
    without, complete = make_sandbox(without=[feature]), make_sandbox()
    assert complete.post(path, body).status_code in (201, 202)
    error = without.problem(without.post(path, body), 403)
    assert (error["code"], error["title"], error["detail"]) == ("forbidden", "Forbidden.", detail)
    assert error["source"] == {"pointer": "/data"}


def test_a_feature_that_nobody_knows_cannot_be_lacked():
    with pytest.raises(UnknownFeature, match="'smoke' is no feature that an account may lack"):
        create_app(without=["smoke"])
