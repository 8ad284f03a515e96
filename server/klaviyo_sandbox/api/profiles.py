"""Profiles, the ways to write them one by one, and what they are related to."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.api.profile_shapes import PATCH, PREDICTIONS, SUBSCRIPTIONS, WRITABLE
from klaviyo_sandbox.behaviour import consent, merging, predictions, profiles, segmentation
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Items, Record, Text

_SUPPRESSED = (
    "EXISTS (SELECT 1 FROM suppression AS s"
    " WHERE s.account = r.account AND s.profile = r.id AND s.list {} AND {{test}})"
)
# The plus sign keeps SQLite from walking all suppressions in order of time for each profile.
_LATEST = "(SELECT max(+s.at) FROM suppression AS s WHERE s.account = r.account AND s.profile = r.id AND s.list {})"
_BY_SUPPRESSION = {
    f"subscriptions.email.marketing.{kind}.{name}": Lookup(
        column, order=_LATEST.format(whose) if name == "timestamp" else "", exists=_SUPPRESSED.format(whose)
    )
    for kind, whose, columns in (
        ("suppression", "= ''", {"reason": "s.reason", "timestamp": "s.at"}),
        ("list_suppressions", "<> ''", {"reason": "s.reason", "timestamp": "s.at", "list_id": "s.list"}),
    )
    for name, column in columns.items()
}

RESOURCES = (
    Resource(
        "profile",
        Record(
            {
                **WRITABLE,
                "created": MOMENT,
                "updated": MOMENT,
                "last_event_date": MOMENT,
                # Klaviyo's document has neither; nobody here is known to WhatsApp.
                "anonymous_id": STRING,
                "whatsapp_bsuid": STRING,
                "subscriptions": SUBSCRIPTIONS,
                "predictive_analytics": PREDICTIONS,
            }
        ),
        ids="ulid",
        on_request=("subscriptions", "predictive_analytics"),
        computed={"subscriptions": consent.subscriptions, "predictive_analytics": predictions.predictive_analytics},
        relations=(
            Relation("lists", "list", link="list.profiles", inverse=True),
            Relation("segments", "segment", link="segment.profiles", inverse=True),
            Relation("push-tokens", "push-token", foreign="profile_id"),
            Relation("conversations", "conversation", foreign="profile_id", otherwise="conversation"),
            Relation("conversation", "conversation", foreign="profile_id", hidden=True),
        ),
        columns={
            "email": Column("email"),
            "phone_number": Column("phone_number"),
            "external_id": Column("external_id"),
            "exchange_id": Column("_kx"),
            "anonymous_id": Column("anonymous_id"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
        },
        unique=(("email",), ("phone_number",), ("external_id",), ("exchange_id",), ("anonymous_id",)),
        indexes=(("created", "id"), ("updated", "id"), ("email", "id")),
    ),
    Resource(
        "conversation",
        Record({"channel": Text()}),
        relations=(Relation("profile", "profile", column="profile_id"),),
        columns={"profile_id": Column("_profile_id")},
        indexes=(("profile_id",),),
        stamps=("", ""),
    ),
)

_LARGEST_PROFILE = 100 * 1024
# Not in the document, but recordings have it taken.
_WRITABLE = {**WRITABLE, "anonymous_id": STRING}
# Who is known by an email address is made without a faulty number.
_NEW = {**_WRITABLE, "phone_number": Text(form="phone", nullable=True, spared_by="email")}
_SOURCE = Record(
    {
        "data": Items(
            Record({"type": Text(choices=("profile",)), "id": Text(shortest=1)}, required=("type", "id")),
            least=1,
            most=1,
        )
    },
    required=("data",),
)

OPERATIONS = (
    Operation(
        "get_profiles",
        "profile",
        generic.list_resources,
        lookups={"email": Lookup(lowercase=True), "_kx": Lookup("exchange_id"), **_BY_SUPPRESSION},
    ),
    Operation("get_profile", "profile", segmentation.current(generic.get_resource, "segments")),
    Operation("create_profile", "profile", profiles.create_profile, body=Record(_NEW), largest_body=_LARGEST_PROFILE),
    Operation(
        "create_or_update_profile",
        "profile",
        profiles.import_profile,
        body=Record({**_NEW, "_kx": STRING}),
        body_meta=PATCH,
        identified="optional",
        largest_body=_LARGEST_PROFILE,
    ),
    Operation(
        "update_profile",
        "profile",
        profiles.update_profile,
        body=Record(_WRITABLE),
        body_meta=PATCH,
        identified="required",
        largest_body=_LARGEST_PROFILE,
    ),
    Operation("get_lists_for_profile", "list", generic.list_related, parent="profile", neighbours=True),
    Operation(
        "merge_profiles",
        "profile",
        merging.merge,
        body_type="profile-merge",
        body=Record({}),
        body_relationships=Record({"profiles": _SOURCE}, required=("profiles",)),
        identified="required",
    ),
    Operation("get_push_tokens_for_profile", "push-token", generic.list_related, parent="profile"),
    Operation("get_push_token_ids_for_profile", "push-token", generic.list_related_ids, parent="profile"),
    Operation(
        "get_segments_for_profile",
        "segment",
        segmentation.current(generic.list_related),
        parent="profile",
        neighbours=True,
    ),
    Operation(
        "get_segment_ids_for_profile", "segment", segmentation.current(generic.list_related_ids), parent="profile"
    ),
    Operation("get_conversations_for_profile", "conversation", generic.list_related, parent="profile"),
    Operation("get_conversation_ids_for_profile", "conversation", generic.list_related_ids, parent="profile"),
    Operation("get_list_ids_for_profile", "list", generic.list_related_ids, parent="profile"),
    Operation("get_conversation_for_profile", "conversation", profiles.get_conversation, parent="profile"),
    Operation("get_conversation_id_for_profile", "conversation", profiles.get_conversation_id, parent="profile"),
)

WORK = {"profile.merge": merging.perform}
