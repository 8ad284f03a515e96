"""Profiles, consent, lists, segments, push tokens, conversations and deletion for privacy."""

from scenarios.sdk import Klaviyo, body, every_page, ids, ref, refs, refused


def a_profile_is_created_found_updated_and_upserted(klaviyo: Klaviyo) -> None:
    made = klaviyo.Profiles.create_profile(
        body(
            "profile",
            email="ada.sdk@example.org",
            external_id="sdk-1",
            first_name="Ada",
            location={"city": "Oslo", "country": "Norway", "timezone": "Europe/Oslo"},
            properties={"plan": "gold", "sizes": ["M"]},
        )
    ).data
    assert made.attributes.location.city == "Oslo"
    status, code = refused(klaviyo.Profiles.create_profile, body("profile", email="ada.sdk@example.org"))
    assert (status, code) == (409, "duplicate_profile")

    patch = body("profile", made.id, last_name="Byron")
    patch["data"]["meta"] = {"patch_properties": {"append": {"sizes": ["L"]}, "unset": ["plan"]}}
    updated = klaviyo.Profiles.update_profile(made.id, patch).data.attributes
    assert (updated.first_name, updated.last_name) == ("Ada", "Byron")
    assert updated.properties == {"sizes": ["M", "L"]}

    again = klaviyo.Profiles.create_or_update_profile(body("profile", external_id="sdk-1", title="Countess"))
    assert again.data.id == made.id
    other = klaviyo.Profiles.create_or_update_profile(body("profile", email="new.sdk@example.org"))
    assert other.data.id != made.id

    found = klaviyo.Profiles.get_profiles(
        filter='equals(email,"ada.sdk@example.org")',
        additional_fields_profile=["subscriptions", "predictive_analytics"],
    )
    assert ids(found) == [made.id]
    assert found.data[0].attributes.subscriptions.email.marketing.consent == "NEVER_SUBSCRIBED"
    one = klaviyo.Profiles.get_profile(made.id, include=["lists", "segments"])
    assert one.data.attributes.title == "Countess"

    thin = klaviyo.Profiles.get_profile(made.id, fields_profile=["email"])
    assert thin["data"]["attributes"] == {"email": "ada.sdk@example.org"}


def profiles_are_sorted_filtered_and_paged_both_ways(klaviyo: Klaviyo) -> None:
    everyone = every_page(klaviyo.Profiles.get_profiles, sort="email", page_size=17)
    assert len(everyone) == 60
    emails = [profile.attributes.email for profile in everyone if profile.attributes.email]
    assert emails == sorted(emails)
    backwards = every_page(klaviyo.Profiles.get_profiles, sort="-email", page_size=23)
    assert [profile.id for profile in backwards] == [profile.id for profile in reversed(everyone)]

    some = [everyone[5].id, everyone[9].id]
    found = klaviyo.Profiles.get_profiles(filter=f'any(id,["{some[0]}","{some[1]}"])')
    assert set(ids(found)) == set(some)
    second = klaviyo.Profiles.get_profiles(sort="created", page_size=20)
    late = second.data[-1].attributes.created.isoformat()
    newer = every_page(klaviyo.Profiles.get_profiles, filter=f"greater-than(created,{late})", page_size=100)
    assert len(newer) <= 40
    assert all(profile.attributes.created > second.data[-1].attributes.created for profile in newer)
    assert refused(klaviyo.Profiles.get_profiles, filter="equals(email,unquoted)") == (400, "invalid")
    assert refused(klaviyo.Profiles.get_profile, "01J7MEK1Z68M4Z9DD11T4WB39Z") == (404, "not_found")


def a_list_is_made_filled_read_from_both_sides_and_deleted(klaviyo: Klaviyo) -> None:
    made = klaviyo.Lists.create_list(body("list", name="SDK readers")).data
    people = ids(klaviyo.Profiles.get_profiles(page_size=5))
    klaviyo.Lists.add_profiles_to_list(made.id, refs("profile", *people))
    assert set(ids(klaviyo.Lists.get_profile_ids_for_list(made.id, page_size=100))) == set(people)
    members = every_page(klaviyo.Lists.get_profiles_for_list, made.id, page_size=2, sort="-joined_group_at")
    assert {member.id for member in members} == set(people)
    assert all(member.attributes.joined_group_at for member in members)
    assert made.id in ids(klaviyo.Profiles.get_lists_for_profile(people[0]))
    assert made.id in ids(klaviyo.Profiles.get_list_ids_for_profile(people[0]))

    klaviyo.Lists.remove_profiles_from_list(made.id, refs("profile", people[0]))
    counted = klaviyo.Lists.get_list(
        made.id, additional_fields_list=["profile_count"], include=["tags", "flow-triggers"]
    )
    assert counted.data.attributes.profile_count == 4
    renamed = klaviyo.Lists.update_list(made.id, body("list", made.id, name="SDK friends"))
    assert renamed.data.attributes.name == "SDK friends"
    assert ids(klaviyo.Lists.get_lists(filter='equals(name,"SDK friends")')) == [made.id]
    assert len(every_page(klaviyo.Lists.get_lists, sort="name", page_size=3)) == 7

    welcome = klaviyo.Flows.get_flows(filter='equals(name,"Welcome series")').data[0].id
    triggering = klaviyo.Lists.get_lists(include=["flow-triggers", "tags"])
    source = next(one.id for one in triggering.data if welcome in _flow_triggers(one))
    assert welcome in {one["id"] for one in triggering.included}
    assert welcome in ids(klaviyo.Lists.get_flows_triggered_by_list(source))
    assert welcome in ids(klaviyo.Lists.get_ids_for_flows_triggered_by_list(source))

    klaviyo.Lists.delete_list(made.id)
    assert refused(klaviyo.Lists.get_list, made.id) == (404, "not_found")


def _flow_triggers(one: object) -> list[str]:
    return [flow.id for flow in one.relationships.flow_triggers.data]  # type: ignore[attr-defined]


def consent_is_given_withdrawn_and_suppressed_in_bulk(klaviyo: Klaviyo) -> None:
    newsletter = klaviyo.Lists.get_lists(filter='equals(name,"Spring pop-up (empty)")').data[0].id
    marketing = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
    person = {"type": "profile", "attributes": {"email": "reader.sdk@example.org", "subscriptions": marketing}}
    klaviyo.Profiles.bulk_subscribe_profiles(
        body(
            "profile-subscription-bulk-create-job",
            related={"list": ("list", newsletter)},
            profiles={"data": [person]},
            custom_source="SDK",
        )
    )
    klaviyo.wait(2)
    if _consent(klaviyo) != "SUBSCRIBED":
        klaviyo.control("confirm", {"contact": "reader.sdk@example.org"})
    assert _consent(klaviyo) == "SUBSCRIBED"
    assert newsletter in ids(klaviyo.Profiles.get_lists_for_profile(_reader(klaviyo).id))

    marketing = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}
    person = {"type": "profile", "attributes": {"email": "reader.sdk@example.org", "subscriptions": marketing}}
    klaviyo.Profiles.bulk_unsubscribe_profiles(
        body(
            "profile-subscription-bulk-delete-job",
            related={"list": ("list", newsletter)},
            profiles={"data": [person]},
        )
    )
    klaviyo.wait(2)
    assert newsletter not in ids(klaviyo.Profiles.get_lists_for_profile(_reader(klaviyo).id))
    klaviyo.Profiles.bulk_unsubscribe_profiles(
        body("profile-subscription-bulk-delete-job", profiles={"data": [person]})
    )
    klaviyo.wait(2)
    assert _consent(klaviyo) == "UNSUBSCRIBED"

    someone = {"data": [{"type": "profile", "attributes": {"email": "reader.sdk@example.org"}}]}
    job = klaviyo.Profiles.bulk_suppress_profiles(body("profile-suppression-bulk-create-job", profiles=someone)).data
    klaviyo.wait(5)
    assert klaviyo.Profiles.get_bulk_suppress_profiles_job(job.id).data.attributes.status == "complete"
    assert job.id in ids(klaviyo.Profiles.get_bulk_suppress_profiles_jobs(filter='equals(status,"complete")'))
    assert "USER_SUPPRESSED" in _suppressions(klaviyo)
    suppressed = klaviyo.Profiles.get_profiles(
        filter='equals(subscriptions.email.marketing.suppression.reason,"USER_SUPPRESSED")', page_size=100
    )
    assert _reader(klaviyo).id in ids(suppressed)

    job = klaviyo.Profiles.bulk_unsuppress_profiles(body("profile-suppression-bulk-delete-job", profiles=someone)).data
    klaviyo.wait(5)
    done = klaviyo.Profiles.get_bulk_unsuppress_profiles_job(job.id).data.attributes
    assert (done.status, done.completed_count) == ("complete", 1)
    assert job.id in ids(klaviyo.Profiles.get_bulk_unsuppress_profiles_jobs(sort="-created"))
    assert "USER_SUPPRESSED" not in _suppressions(klaviyo)


def _reader(klaviyo: Klaviyo):
    return klaviyo.Profiles.get_profiles(
        filter='equals(email,"reader.sdk@example.org")', additional_fields_profile=["subscriptions"]
    ).data[0]


def _consent(klaviyo: Klaviyo) -> str:
    return _reader(klaviyo).attributes.subscriptions.email.marketing.consent


def _suppressions(klaviyo: Klaviyo) -> list[str]:
    marketing = _reader(klaviyo).attributes.subscriptions.email.marketing
    return [suppression.reason for suppression in marketing.suppression or []]


def profiles_are_imported_in_bulk_with_errors_that_can_be_read(klaviyo: Klaviyo) -> None:
    target = klaviyo.Lists.create_list(body("list", name="Imported")).data.id
    people = [{"type": "profile", "attributes": {"email": f"import{number}.sdk@example.org"}} for number in range(3)]
    wrong = {"type": "profile", "attributes": {"phone_number": "+1"}}
    job = klaviyo.Profiles.bulk_import_profiles(
        body(
            "profile-bulk-import-job",
            related={"lists": [("list", target)]},
            profiles={"data": [*people, wrong]},
        )
    ).data
    assert job.attributes.total_count == 4
    klaviyo.wait(5)
    done = klaviyo.Profiles.get_bulk_import_profiles_job(job.id, include=["lists"])
    assert (done.data.attributes.status, done.data.attributes.completed_count) == ("complete", 3)
    assert [one.id for one in done.included] == [target]
    assert job.id in ids(klaviyo.Profiles.get_bulk_import_profiles_jobs(filter='any(status,["complete"])', page_size=5))
    imported = every_page(klaviyo.Profiles.get_profiles_for_bulk_import_profiles_job, job.id, page_size=2)
    assert {one.attributes.email for one in imported} == {one["attributes"]["email"] for one in people}
    named = every_page(klaviyo.Profiles.get_profile_ids_for_bulk_import_profiles_job, job.id, page_size=2)
    assert {one.id for one in named} == {one.id for one in imported}
    assert ids(klaviyo.Profiles.get_list_for_bulk_import_profiles_job(job.id)) == [target]
    assert ids(klaviyo.Profiles.get_list_ids_for_bulk_import_profiles_job(job.id)) == [target]
    (error,) = klaviyo.Profiles.get_errors_for_bulk_import_profiles_job(job.id).data
    assert error.attributes.detail
    assert set(ids(klaviyo.Lists.get_profile_ids_for_list(target))) == {one.id for one in imported}


def two_profiles_are_merged_and_one_is_deleted_for_privacy(klaviyo: Klaviyo) -> None:
    source = klaviyo.Profiles.create_profile(body("profile", email="old.sdk@example.org")).data.id
    target = klaviyo.Profiles.create_profile(body("profile", email="kept.sdk@example.org")).data.id
    merged = klaviyo.sent(
        "Profiles.merge_profiles",
        {"data": {**ref("profile-merge", target), "relationships": {"profiles": refs("profile", source)}}},
    )
    assert merged["data"]["id"] == target
    klaviyo.wait(60)
    assert klaviyo.Profiles.get_profiles(filter='equals(email,"old.sdk@example.org")').data == []
    person = {"data": {"type": "profile", "attributes": {"email": "kept.sdk@example.org"}}}
    klaviyo.Data_Privacy.request_profile_deletion(body("data-privacy-deletion-job", profile=person))
    klaviyo.wait(60 * 60 * 24 * 30)
    assert klaviyo.Profiles.get_profiles(filter='equals(email,"kept.sdk@example.org")').data == []


def a_segment_is_defined_and_its_members_are_read(klaviyo: Klaviyo) -> None:
    condition = {
        "type": "profile-property",
        "property": "location['country']",
        "filter": {"type": "string", "operator": "equals", "value": "Norway"},
    }
    definition = {"condition_groups": [{"conditions": [condition]}]}
    someone = klaviyo.Profiles.create_profile(
        body("profile", email="kari.sdk@example.org", location={"country": "Norway"})
    ).data.id
    made = klaviyo.Segments.create_segment(body("segment", name="In Norway", definition=definition)).data
    klaviyo.wait(3600)
    members = every_page(klaviyo.Segments.get_profiles_for_segment, made.id, page_size=50)
    assert someone in [member.id for member in members]
    assert {one.id for one in every_page(klaviyo.Segments.get_profile_ids_for_segment, made.id, page_size=50)} == {
        member.id for member in members
    }
    assert made.id in ids(klaviyo.Profiles.get_segments_for_profile(someone))
    assert made.id in ids(klaviyo.Profiles.get_segment_ids_for_profile(someone))
    counted = klaviyo.Segments.get_segment(made.id, additional_fields_segment=["profile_count"], include=["tags"])
    assert counted.data.attributes.profile_count == len(members)
    changed = klaviyo.Segments.update_segment(made.id, body("segment", made.id, name="Norwegians", is_starred=True))
    assert (changed.data.attributes.name, changed.data.attributes.is_starred) == ("Norwegians", True)
    found = klaviyo.Segments.get_segments(filter="equals(is_starred,true)", include=["flow-triggers"], sort="-created")
    assert made.id in ids(found)
    assert klaviyo.Segments.get_flows_triggered_by_segment(made.id).data == []
    assert klaviyo.Segments.get_ids_for_flows_triggered_by_segment(made.id).data == []
    klaviyo.Segments.delete_segment(made.id)
    assert refused(klaviyo.Segments.get_segment, made.id) == (404, "not_found")


def a_push_token_belongs_to_a_profile_until_it_is_deleted(klaviyo: Klaviyo) -> None:
    owner = klaviyo.Profiles.create_profile(body("profile", email="phone.sdk@example.org")).data.id
    klaviyo.Profiles.create_push_token(
        body(
            "push-token",
            token="a1b2c3d4e5f6",
            platform="ios",
            enablement_status="AUTHORIZED",
            vendor="apns",
            background="AVAILABLE",
            device_metadata={"device_id": "phone-1", "os_version": "26.1", "app_name": "Juniper"},
            profile={"data": {"type": "profile", "attributes": {"email": "phone.sdk@example.org"}}},
        )
    )
    klaviyo.wait(60)
    (token,) = klaviyo.Profiles.get_push_tokens_for_profile(owner).data
    assert ids(klaviyo.Profiles.get_push_token_ids_for_profile(owner)) == [token.id]
    assert klaviyo.Profiles.get_push_token(token.id, include=["profile"]).included[0].id == owner
    assert klaviyo.Profiles.get_profile_for_push_token(token.id).data.id == owner
    assert klaviyo.Profiles.get_profile_id_for_push_token(token.id).data.id == owner
    ours = klaviyo.Profiles.get_push_tokens(filter=f'equals(profile.id,"{owner}")', page_size=10)
    assert ids(ours) == [token.id]
    assert ids(klaviyo.Profiles.get_profiles(filter=f'equals(id,"{owner}")', include=["push-tokens"])) == [owner]
    klaviyo.Profiles.delete_push_token(token.id)
    assert klaviyo.Profiles.get_push_tokens_for_profile(owner).data == []


def a_conversation_is_found_and_answered(klaviyo: Klaviyo) -> None:
    talking = klaviyo.Profiles.get_profiles(include=["conversations"], page_size=100)
    owner = next(one for one in talking.data if one.relationships.conversations.data)
    theirs = {conversation.id for conversation in owner.relationships.conversations.data}
    assert set(ids(klaviyo.Profiles.get_conversations_for_profile(owner.id))) == theirs
    assert set(ids(klaviyo.Profiles.get_conversation_ids_for_profile(owner.id))) == theirs
    conversation = klaviyo.Profiles.get_conversation_for_profile(owner.id).data.id
    assert conversation in theirs
    assert klaviyo.Profiles.get_conversation_id_for_profile(owner.id).data.id == conversation
    klaviyo.Conversations.create_conversation_message(
        body("conversation-message", related={"conversation": ("conversation", conversation)}, body="On its way!")
    )
