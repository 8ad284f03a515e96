"""Text messaging: set up once, a number for which carriers are asked, and what they answer some days later."""

import pytest
from tests.sandbox.registration import PINE

from klaviyo_sandbox import OTHER_API_KEY

CONFIGURATIONS, SENDERS = "/api/text-messaging-configurations", "/api/text-messaging-senders"
REGISTRATIONS = "/api/text-messaging-sender-registrations"
OTHERS = {"key": OTHER_API_KEY}
DAYS = 86400
UNREGISTERED = {"business_registration_authority": None, "business_registration_number": None}


def configure(sandbox, **options):
    data = {"type": "text-messaging-configuration", "attributes": {"org_prefix": "Lumen"}}
    return sandbox.post(CONFIGURATIONS, {"data": data}, **options)


def register(sandbox, details=PINE, kind="toll_free", country="US", **options):
    registration = {"data": {"type": "text-messaging-sender-registration", "attributes": details}}
    attributes = {"sender_type": kind, "sender_details": {"country": country}}
    attributes["text-messaging-sender-registration"] = registration
    body = {"data": {"type": "text-messaging-sender", "attributes": attributes}}
    return sandbox.post(f"{SENDERS}?include=text-messaging-sender-registration", body, **options)


def resubmit(sandbox, sender, details=PINE):
    related = {"text-messaging-sender": {"data": {"type": "text-messaging-sender", "id": sender}}}
    data = {"type": "text-messaging-sender-registration", "attributes": details, "relationships": related}
    return sandbox.post(REGISTRATIONS, {"data": data})


def verdict(sandbox, sender):
    found = sandbox.data(f"{SENDERS}/{sender}/text-messaging-sender-registration")["attributes"]
    return found["status"], [failure["detail"] for failure in found["failures"]]


def test_an_account_is_set_up_once(sandbox):
    made = configure(sandbox, **OTHERS)
    assert made.status_code == 201
    assert made.json()["data"]["id"] == "OTHER1"
    assert sandbox.data(f"{CONFIGURATIONS}/OTHER1", **OTHERS)["attributes"]["org_prefix"] == "Lumen"
    assert sandbox.problem(configure(sandbox, **OTHERS), 409)["code"] == "sms_account_already_exists"
    sandbox.problem(sandbox.get(f"{CONFIGURATIONS}/DEMO01", **OTHERS), 404)


def test_there_is_no_number_without_a_configuration(sandbox, make_sandbox):
    assert sandbox.problem(register(sandbox, **OTHERS), 403)["code"] == "sms_account_required"
    without = make_sandbox(without=["sms"])
    assert without.problem(configure(without), 403)["code"] == "not_eligible_for_sms"
    assert without.data(SENDERS) == []


def test_a_number_is_a_sender_in_each_country_and_active_once_it_is_approved(sandbox):
    made = register(sandbox).json()
    sender, (registration,) = made["data"], made["included"]
    assert (sender["attributes"]["status"], sender["attributes"]["sender_details"]) == (
        "pending_registration",
        {"country": "US"},
    )
    assert registration["relationships"]["text-messaging-sender"]["data"]["id"] == sender["id"]
    sandbox.clock.advance(2 * DAYS)
    assert verdict(sandbox, sender["id"]) == ("in_review", [])
    sandbox.clock.advance(2 * DAYS)
    assert verdict(sandbox, sender["id"]) == ("approved", [])
    number = sender["attributes"]["sender_identifier"]
    active = [
        (each["attributes"]["sender_details"]["country"], each["attributes"]["status"])
        for each in sandbox.data(f"{SENDERS}?page[size]=20&sort=created_at")
        if each["attributes"]["sender_identifier"] == number
    ]
    assert sorted(active) == [("CA", "active"), ("US", "active")]
    assert sandbox.problem(register(sandbox), 409)["code"] == "phone_number_limit_reached"


def test_a_rejected_number_says_why_and_is_handed_in_again(sandbox):
    wrong = {"email": "maya@gmail.com", "business_website": "http://juniperandpine.example"}
    sender = register(sandbox, {**PINE, **wrong, "privacy_policy_url": "https://pine.invalid"}).json()["data"]["id"]
    assert sandbox.problem(resubmit(sandbox, sender), 409)["code"] == "registration_in_flight"
    first = sandbox.data(f"{SENDERS}/{sender}/relationships/text-messaging-sender-registration")["id"]
    sandbox.clock.advance(3 * DAYS)
    status, failures = verdict(sandbox, sender)
    assert (status, len(failures)) == ("rejected", 3)
    assert sandbox.data(f"{SENDERS}/{sender}")["attributes"]["status"] == "registration_failed"
    again = resubmit(sandbox, sender)
    assert (again.status_code, again.json()["data"]["attributes"]["status"]) == (201, "in_review")
    sandbox.clock.advance(3 * DAYS)
    assert verdict(sandbox, sender) == ("approved", [])
    assert sandbox.data(f"{REGISTRATIONS}/{first}")["attributes"]["status"] == "rejected"
    assert sandbox.problem(resubmit(sandbox, sender), 409)["code"] == "registration_not_resubmittable"
    sandbox.problem(resubmit(sandbox, "01HX2Z8RG7Y4PWFQK3V0M5N1B7"), 404)


@pytest.mark.parametrize(
    ("details", "code", "pointer"),
    [
        ({"email": "maya"}, "invalid", "email"),
        ({"phone_number": "503 555 0142"}, "invalid", "phone_number"),
        ({"business_type": "LLC"}, "invalid", "business_type"),
        ({"business_registration_number": None}, "business_registration_required", "business_registration_number"),
        (
            {"business_type": "SOLE_PROPRIETOR", "business_registration_country": "DE", **UNREGISTERED},
            "business_registration_required",
            "business_registration_authority",
        ),
        ({"business_registration_country": "Germany"}, "invalid", "business_registration_country"),
    ],
)
def test_what_is_submitted_is_checked_before_a_number_is_taken(sandbox, details, code, pointer):
    before = len(sandbox.data(SENDERS))
    error = sandbox.problem(register(sandbox, {**PINE, **details}), 400)
    assert (error["code"], error["source"]["pointer"].rpartition("/")[2]) == (code, pointer)
    assert len(sandbox.data(SENDERS)) == before


def test_a_sole_proprietor_in_the_states_needs_no_number(sandbox):
    assert register(sandbox, {**PINE, "business_type": "SOLE_PROPRIETOR", **UNREGISTERED}).status_code == 201


def test_only_toll_free_numbers_can_be_registered(sandbox):
    assert sandbox.problem(register(sandbox, kind="short_code"), 400)["code"] == "not_yet_supported"
    sandbox.problem(register(sandbox, country="DE"), 400)
    own = next(each for each in sandbox.data(SENDERS) if each["attributes"]["sender_type"] == "long_code")
    assert verdict(sandbox, own["id"]) == ("approved", [])
    assert sandbox.problem(resubmit(sandbox, own["id"]), 400)["code"] == "not_yet_supported"


def test_the_demo_shops_toll_free_number_was_rejected(shop):
    numbers = {each["id"]: each["attributes"]["status"] for each in shop.data(SENDERS)}
    assert sorted(numbers.values()) == ["active", "registration_failed", "registration_failed"]
    rejected = next(identifier for identifier, status in numbers.items() if status != "active")
    assert "privacy policy" in verdict(shop, rejected)[1][0]


def test_senders_are_not_there_at_an_older_revision(shop):
    assert "2026-10-15" in shop.problem(shop.get(SENDERS, revision="2026-07-15"), 404)["detail"]
