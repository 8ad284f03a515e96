"""Consent: subscribing profiles, confirming, and what is told about a profile's subscriptions and suppressions."""

import pytest

JOBS = "/api/profile-subscription-bulk-create-jobs"
EMAIL = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
SMS = {"sms": {"marketing": {"consent": "SUBSCRIBED"}}}


def person(subscriptions, profile_id=None, **attributes):
    entry = {"type": "profile", "attributes": {**attributes, "subscriptions": subscriptions}}
    return entry if profile_id is None else {**entry, "id": profile_id}


def subscribe(sandbox, *people, to=None, status=202, **attributes):
    data = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {"profiles": {"data": list(people)}, **attributes},
    }
    if to is not None:
        data["relationships"] = {"list": {"data": {"type": "list", "id": to}}}
    answer = sandbox.post(JOBS, {"data": data})
    assert answer.status_code == status, answer.text
    return answer


def members(sandbox, group):
    return {item["attributes"]["email"] for item in sandbox.data(f"/api/lists/{group}/profiles?page[size]=100")}


def confirm(sandbox, contact):
    return sandbox.post("/_sandbox/confirm", {"contact": contact}).json()["confirmed"]


def suppressed_by(sandbox, reason):
    """The address of somebody who is suppressed for this reason."""
    found = sandbox.data(f'/api/profiles?filter=equals(subscriptions.email.marketing.suppression.reason,"{reason}")')
    return found[0]["attributes"]["email"]


@pytest.fixture
def crowded(make_sandbox):
    """Enough people for every reason of suppression."""
    return make_sandbox(profiles=300)


def test_a_new_profile_has_never_subscribed_but_can_receive_email(sandbox):
    sandbox.create_profile(email="ana@example.org", phone_number="+4740000001")
    found = sandbox.subscriptions("ana@example.org")
    assert set(found) == {"email", "sms", "mobile_push", "whatsapp"}
    assert found["email"]["marketing"] == {
        "can_receive_email_marketing": True,
        "consent": "NEVER_SUBSCRIBED",
        "consent_timestamp": None,
        "last_updated": None,
        "method": None,
        "method_detail": "",
        "custom_method_detail": None,
        "double_optin": None,
        "suppression": [],
        "list_suppressions": [],
    }
    assert found["sms"]["marketing"]["can_receive_sms_marketing"] is False
    assert found["mobile_push"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    assert found["whatsapp"]["marketing"]["phone_number"] == "+4740000001"


def test_subscribing_to_a_single_opt_in_list_takes_effect_at_once(sandbox):
    group = sandbox.create_list("New")
    answer = subscribe(sandbox, person(EMAIL, email="Ana@Example.org"), to=group, custom_source="Till receipt")
    assert answer.content == b""
    assert members(sandbox, group) == {"ana@example.org"}
    marketing = sandbox.subscriptions("ana@example.org")["email"]["marketing"]
    assert marketing["consent"] == "SUBSCRIBED"
    assert marketing["consent_timestamp"] == "2026-11-16T12:00:00+00:00"
    assert marketing["custom_method_detail"] == "Till receipt"
    assert marketing["double_optin"] is False


def test_subscribing_to_a_double_opt_in_list_waits_for_confirmation(sandbox):
    group = sandbox.create_list("New", "double_opt_in")
    subscribe(sandbox, person(EMAIL, email="ana@example.org"), to=group)
    assert sandbox.profile("ana@example.org") is not None
    assert members(sandbox, group) == set()
    assert sandbox.subscriptions("ana@example.org")["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    assert confirm(sandbox, "ana@example.org") == 1
    assert members(sandbox, group) == {"ana@example.org"}
    marketing = sandbox.subscriptions("ana@example.org")["email"]["marketing"]
    assert (marketing["consent"], marketing["double_optin"]) == ("SUBSCRIBED", True)
    assert confirm(sandbox, "ana@example.org") == 0


def test_without_a_list_a_new_address_does_not_become_a_profile(sandbox):
    subscribe(sandbox, person(EMAIL, email="ana@example.org"))
    assert sandbox.profile("ana@example.org") is None
    assert confirm(sandbox, "ana@example.org") == 1
    assert sandbox.subscriptions("ana@example.org")["email"]["marketing"]["consent"] == "SUBSCRIBED"


def test_a_historical_import_skips_confirmation_and_keeps_the_date(sandbox):
    consented = {"email": {"marketing": {"consent": "SUBSCRIBED", "consented_at": "2024-05-01T10:00:00+02:00"}}}
    subscribe(sandbox, person(consented, email="ana@example.org"), historical_import=True)
    marketing = sandbox.subscriptions("ana@example.org")["email"]["marketing"]
    assert (marketing["consent"], marketing["consent_timestamp"]) == ("SUBSCRIBED", "2024-05-01T08:00:00+00:00")


@pytest.mark.parametrize(
    ("historical", "consented_at"),
    [(True, None), (True, "2026-11-16T12:00:00Z"), (True, "2027-01-01T00:00:00Z"), (False, "2024-05-01T10:00:00Z")],
)
def test_consented_at_belongs_to_a_historical_import_and_to_the_past(sandbox, historical, consented_at):
    consented = {"email": {"marketing": {"consent": "SUBSCRIBED", "consented_at": consented_at}}}
    answer = subscribe(sandbox, person(consented, email="a@example.org"), status=400, historical_import=historical)
    pointer = "/data/attributes/profiles/data/0/attributes/subscriptions/email/marketing/consented_at"
    assert sandbox.problem(answer, 400)["source"] == {"pointer": pointer}


def test_a_consent_older_than_what_took_it_back_is_refused(sandbox):
    group = sandbox.create_list("New")
    subscribe(sandbox, person(EMAIL, email="ana@example.org"), to=group)
    kinds = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}
    revoked = {"profiles": {"data": [person(kinds, email="ana@example.org")]}}
    body = {"type": "profile-subscription-bulk-delete-job", "attributes": revoked}
    assert sandbox.post("/api/profile-subscription-bulk-delete-jobs", {"data": body}).status_code == 202
    sandbox.clock.advance(86400)

    def consented(moment):
        return person(
            {"email": {"marketing": {"consent": "SUBSCRIBED", "consented_at": moment}}}, email="ana@example.org"
        )

    answer = subscribe(sandbox, consented("2024-05-01T10:00:00Z"), status=400, historical_import=True)
    pointer = "/data/attributes/profiles/data/0/attributes/subscriptions/email/marketing/consented_at"
    assert sandbox.problem(answer, 400)["source"] == {"pointer": pointer}
    assert sandbox.subscriptions("ana@example.org")["email"]["marketing"]["consent"] == "UNSUBSCRIBED"
    subscribe(sandbox, consented("2026-11-17T10:00:00Z"), historical_import=True)
    assert sandbox.subscriptions("ana@example.org")["email"]["marketing"]["consent"] == "SUBSCRIBED"


@pytest.mark.parametrize("known", [False, True])
def test_one_number_without_a_sending_number_for_its_region_refuses_the_whole_batch(sandbox, known):
    group = sandbox.create_list("New")
    phone = {"phone_number": "+4740000001"}
    who = {"profile_id": sandbox.create_profile(**phone)} if known else phone
    batch = person(EMAIL, email="ana@example.org"), person(SMS, **who)
    answer = subscribe(sandbox, *batch, to=group, status=400)
    pointer = "/data/attributes/profiles/data/1/attributes/phone_number"
    assert sandbox.problem(answer, 400)["source"] == {"pointer": pointer}
    assert members(sandbox, group) == set()


def test_subscribing_shows_in_when_a_profile_was_updated(sandbox):
    profile = sandbox.create_profile(email="ana@example.org")
    before = sandbox.data(f"/api/profiles/{profile}")["attributes"]["updated"]
    sandbox.clock.advance(60)
    born = person(EMAIL, email="ana@example.org", age_gated_date_of_birth="1990-05-01")
    subscribe(sandbox, born, to=sandbox.create_list("New"))
    assert sandbox.data(f"/api/profiles/{profile}")["attributes"]["updated"] > before


def test_no_text_messages_without_them(make_sandbox):
    without = make_sandbox(without=["sms"])
    answer = subscribe(without, person(SMS, phone_number="+14155550123"), status=400)
    assert without.problem(answer, 400)["code"] == "invalid"
    lone = {"data": {"type": "profile", "attributes": {"phone_number": "+14155550123"}}}
    pointer = "/data/attributes/phone_number"
    assert without.problem(without.post("/api/profiles", lone), 400)["source"] == {"pointer": pointer}


def test_a_faulty_number_beside_an_address_is_dropped_with_the_consent_that_came_by_it(sandbox):
    group = sandbox.create_list("New")
    faulty = person({**EMAIL, **SMS}, email="ana@example.org", phone_number="12345")
    answer = subscribe(sandbox, faulty, to=group)
    assert answer.headers["X-Klaviyo-Partial-Failure"] == "phone_number"
    found = sandbox.subscriptions("ana@example.org")
    assert (found["email"]["marketing"]["consent"], found["sms"]["marketing"]["consent"]) == (
        "SUBSCRIBED",
        "NEVER_SUBSCRIBED",
    )
    sandbox.problem(subscribe(sandbox, person(SMS, phone_number="12345"), to=group, status=400), 400)
    whole = person(EMAIL, email="ben@example.org", phone_number="+14155550123")
    assert "X-Klaviyo-Partial-Failure" not in subscribe(sandbox, whole, to=group).headers


def test_properties_do_not_belong_into_a_subscription_job(sandbox):
    answer = subscribe(sandbox, person(EMAIL, email="a@example.org", properties={"a": 1}), status=400)
    error = sandbox.problem(answer, 400)
    assert error["detail"].startswith("'properties' is not a valid field")
    assert error["source"] == {"pointer": "/data/attributes/profiles/data/0/attributes/properties"}


@pytest.mark.parametrize(
    "entry",
    [
        person({}, email="a@example.org"),
        person({"email": {}}, email="a@example.org"),
        person(SMS, email="a@example.org"),
        person(EMAIL, phone_number="+4740000001"),
        person({"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}, email="a@example.org"),
        person({"pigeon": {"marketing": {"consent": "SUBSCRIBED"}}}, email="a@example.org"),
    ],
)
def test_a_channel_and_the_identifier_it_reaches_people_by_are_required(sandbox, entry):
    subscribe(sandbox, entry, status=400)


def test_at_least_one_and_at_most_1000_profiles_per_job(sandbox):
    subscribe(sandbox, status=400)
    subscribe(sandbox, *[person(EMAIL, email=f"{number}@example.org") for number in range(1001)], status=400)
    group = sandbox.create_list("Large")
    subscribe(sandbox, *[person(EMAIL, email=f"{number}@example.org") for number in range(1000)], to=group)
    counted = sandbox.data(f"/api/lists/{group}?additional-fields[list]=profile_count")
    assert counted["attributes"]["profile_count"] == 1000


def test_an_unknown_list_is_refused_and_nobody_is_subscribed(sandbox):
    subscribe(sandbox, person(EMAIL, email="ana@example.org"), to="NOPE01", status=400)
    assert sandbox.profile("ana@example.org") is None


@pytest.mark.parametrize("reason", ["UNSUBSCRIBE", "USER_SUPPRESSED", "SPAM_COMPLAINT"])
def test_subscribing_lifts_what_the_person_or_the_shop_decided(crowded, reason):
    email = suppressed_by(crowded, reason)
    assert crowded.subscriptions(email)["email"]["marketing"]["can_receive_email_marketing"] is False
    subscribe(crowded, person(EMAIL, email=email), to=crowded.create_list("New"))
    marketing = crowded.subscriptions(email)["email"]["marketing"]
    assert marketing["suppression"] == []
    assert marketing["can_receive_email_marketing"] is True


def test_subscribing_does_not_lift_a_hard_bounce(crowded):
    email = suppressed_by(crowded, "HARD_BOUNCE")
    subscribe(crowded, person(EMAIL, email=email), to=crowded.create_list("New"))
    marketing = crowded.subscriptions(email)["email"]["marketing"]
    assert [item["reason"] for item in marketing["suppression"]] == ["HARD_BOUNCE"]
    assert (marketing["consent"], marketing["can_receive_email_marketing"]) == ("SUBSCRIBED", False)


def test_several_channels_are_subscribed_at_once(sandbox):
    group = sandbox.create_list("New")
    both = {**EMAIL, "sms": {**SMS["sms"], "transactional": {"consent": "SUBSCRIBED"}}, "whatsapp": SMS["sms"]}
    subscribe(sandbox, person(both, email="ana@example.org", phone_number="+14155550123"), to=group)
    found = sandbox.subscriptions("ana@example.org")
    assert found["sms"]["marketing"]["can_receive_sms_marketing"] is True
    assert found["sms"]["transactional"]["can_receive_sms_transactional"] is True
    assert found["whatsapp"]["marketing"]["can_receive"] is True
    assert found["whatsapp"]["conversational"]["can_receive"] is False
    assert found["email"]["open_tracking"]["consent"] == "NEVER_SUBSCRIBED"
    assert sandbox.profile("ana@example.org")["attributes"]["phone_number"] == "+14155550123"


def test_consent_to_tracking_is_kept_apart_from_that_to_marketing(sandbox):
    tracking = {"email": {"open_tracking": {"consent": "SUBSCRIBED"}, "click_tracking": {"consent": "SUBSCRIBED"}}}
    subscribe(sandbox, person(tracking, email="ana@example.org"), to=sandbox.create_list("New"), historical_import=True)
    found = sandbox.subscriptions("ana@example.org")["email"]
    assert found["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    assert (found["click_tracking"]["consent"], found["click_tracking"]["can_receive"]) == ("SUBSCRIBED", True)
    assert found["open_tracking"]["consent"] == "SUBSCRIBED"


def test_a_number_of_somebody_else_is_subscribed_for_them(sandbox):
    sandbox.create_profile(email="ben@example.org", phone_number="+14155550123")
    group = sandbox.create_list("New")
    subscribe(sandbox, person({**EMAIL, **SMS}, email="ana@example.org", phone_number="+14155550123"), to=group)
    assert sandbox.subscriptions("ben@example.org")["sms"]["marketing"]["consent"] == "SUBSCRIBED"
    assert sandbox.subscriptions("ana@example.org")["sms"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    assert sandbox.subscriptions("ana@example.org")["email"]["marketing"]["consent"] == "SUBSCRIBED"


def test_a_profile_can_be_subscribed_by_its_id(sandbox):
    profile = sandbox.create_profile(email="ana@example.org")
    group = sandbox.create_list("New")
    subscribe(sandbox, person(EMAIL, profile), person(EMAIL, "01ARZ3NDEKTSV4RRFFQ69G5FAV"), to=group)
    assert members(sandbox, group) == {"ana@example.org"}
    waiting = sandbox.create_list("Waiting", "double_opt_in")
    subscribe(sandbox, person(EMAIL, profile), to=waiting)
    assert confirm(sandbox, "ana@example.org") == 1
    assert members(sandbox, waiting) == {"ana@example.org"}


def test_confirming_for_a_deleted_list_subscribes_nobody(sandbox):
    group = sandbox.create_list("New", "double_opt_in")
    subscribe(sandbox, person(EMAIL, email="ana@example.org"), to=group)
    sandbox.delete(f"/api/lists/{group}")
    confirm(sandbox, "ana@example.org")
    assert sandbox.subscriptions("ana@example.org")["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"


def test_single_paths_inside_subscriptions_can_be_read(sandbox):
    profile = sandbox.create_profile(email="ana@example.org")
    path = f"/api/profiles/{profile}?additional-fields[profile]=subscriptions"
    path += "&fields[profile]=email,subscriptions.email.marketing.consent"
    assert sandbox.data(path)["attributes"]["email"] == "ana@example.org"
    narrow = sandbox.data(f"/api/profiles/{profile}?fields[profile]=subscriptions.email.marketing.consent")[
        "attributes"
    ]
    assert narrow == {"subscriptions": {"email": {"marketing": {"consent": "NEVER_SUBSCRIBED"}}}}


def test_a_device_is_subscribed_to_push_at_once_whatever_waits_for_confirmation(sandbox):
    group = sandbox.create_list("New", "double_opt_in")
    token = {"token": "abc", "platform": "ios", "vendor": "apns"}
    push = {"push": {"marketing": {"consent": "SUBSCRIBED"}, "tokens": [token]}}
    subscribe(sandbox, person({**EMAIL, **push, "sms": None}, email="ana@example.org"), to=group, custom_source="App")
    found = sandbox.subscriptions("ana@example.org")
    assert found["mobile_push"]["marketing"] == {
        "can_receive_push_marketing": True,
        "consent": "SUBSCRIBED",
        "consent_timestamp": "2026-11-16T12:00:00+00:00",
    }
    assert sandbox.data("/api/push-tokens/abc/profile")["attributes"]["email"] == "ana@example.org"
    assert members(sandbox, group) == {"ana@example.org"}
    assert found["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    assert confirm(sandbox, "ana@example.org") == 1
    assert sandbox.subscriptions("ana@example.org")["email"]["marketing"]["consent"] == "SUBSCRIBED"


def test_push_reaches_somebody_who_is_known_by_their_device_alone(sandbox):
    group = sandbox.create_list("New")
    consent = {"consent": "SUBSCRIBED", "consented_at": "2024-05-01T10:00:00Z"}
    push = {"push": {"marketing": consent, "anonymous_id": "device-1"}}
    for _ in range(2):
        subscribe(sandbox, person(push), to=group, historical_import=True)
    path = f"/api/lists/{group}/profiles?additional-fields[profile]=subscriptions"
    (member,) = sandbox.data(path)
    assert member["attributes"]["anonymous_id"] == "device-1"
    marketing = member["attributes"]["subscriptions"]["mobile_push"]["marketing"]
    assert marketing["consent_timestamp"] == "2024-05-01T10:00:00+00:00"
    nobody = person({"push": {"marketing": {"consent": "SUBSCRIBED"}}})
    answer = subscribe(sandbox, nobody, to=group, status=400)
    assert sandbox.problem(answer, 400)["source"] == {"pointer": "/data/attributes/profiles/data/0/attributes"}
    subscribe(sandbox, person(push, "01NOBODY"), to=group, historical_import=True)
    assert len(sandbox.data(path)) == 1
