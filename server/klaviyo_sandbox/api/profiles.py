"""Profiles, the ways to write them one by one, and what they are related to."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, RANGE, STRING, sortable
from klaviyo_sandbox.api.profile_shapes import EVENT_PROFILE as EVENT_PROFILE
from klaviyo_sandbox.api.profile_shapes import PATCH, PREDICTIONS, SUBSCRIPTIONS, WRITABLE
from klaviyo_sandbox.behaviour import consent, merging, predictions, profiles, segmentation
from klaviyo_sandbox.declare import Column, Filter, L, Limits, M, Operation, Page, Relation, Resource, S
from klaviyo_sandbox.shapes import Items, Record, Text

_SUPPRESSED = (
    "EXISTS (SELECT 1 FROM suppression AS s"
    " WHERE s.account = r.account AND s.profile = r.id AND s.list {} AND {{test}})"
)
_GLOBAL = _SUPPRESSED.format("= ''")
_BY_LIST = _SUPPRESSED.format("<> ''")
# The plus sign keeps SQLite from walking all suppressions in order of time for each profile.
_LATEST = "(SELECT max(+s.at) FROM suppression AS s WHERE s.account = r.account AND s.profile = r.id AND s.list {})"
_MARKETING = "subscriptions.email.marketing"

RESOURCES = (
    Resource(
        "profile",
        Record(
            {
                **WRITABLE,
                "created": MOMENT,
                "updated": MOMENT,
                "last_event_date": MOMENT,
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
            Relation("conversations", "conversation", foreign="profile_id", on_include=True),
            Relation("conversation", "conversation", foreign="profile_id", hidden=True),
        ),
        columns={
            "email": Column("email"),
            "phone_number": Column("phone_number"),
            "external_id": Column("external_id"),
            "exchange_id": Column("_kx"),
            "anonymous_id": Column("_anonymous_id"),
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

_ADDITIONAL = ("subscriptions", "predictive_analytics")
_READ, _WRITE = ("profiles:read",), ("profiles:write",)
_LARGEST_PROFILE = 100 * 1024
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


def _related(relation: str, kind: str, scopes: tuple[str, ...], limits: Limits) -> tuple[Operation, Operation]:
    """The operations that read a relation of one profile: in full, and only its ids."""
    singular = relation.removesuffix("s").replace("-", "_")
    every = tuple(sorted(("profiles:read", *scopes)))
    path = f"/api/profiles/{{id}}/{relation}"
    ids = f"/api/profiles/{{id}}/relationships/{relation}"
    full = (f"get_{singular}s_for_profile", path, segmentation.current(generic.list_related), False)
    bare = (f"get_{singular}_ids_for_profile", ids, segmentation.current(generic.list_related_ids), True)
    first, second = (
        Operation(
            name,
            "GET",
            where,
            kind,
            run,
            every,
            limits,
            parent="profile",
            relation=relation,
            relationships_only=only,
        )
        for name, where, run, only in (full, bare)
    )
    return first, second


OPERATIONS = (
    Operation(
        "get_profiles",
        "GET",
        "/api/profiles",
        "profile",
        generic.list_resources,
        _READ,
        L,
        filters={
            "id": Filter(single=("equals",), listed=("any", "equals")),
            "email": Filter(single=("equals",), listed=("any", "equals"), lowercase=True),
            "phone_number": Filter(single=("equals",), listed=("any", "equals")),
            "external_id": Filter(single=("equals",), listed=("any", "equals")),
            "_kx": Filter(single=("equals",), column="exchange_id"),
            "created": Filter("moment", ("greater-than", "less-than")),
            "updated": Filter("moment", ("greater-than", "less-than")),
            f"{_MARKETING}.list_suppressions.reason": Filter(single=("equals",), column="s.reason", exists=_BY_LIST),
            f"{_MARKETING}.list_suppressions.timestamp": Filter("moment", RANGE, column="s.at", exists=_BY_LIST),
            f"{_MARKETING}.list_suppressions.list_id": Filter(single=("equals",), column="s.list", exists=_BY_LIST),
            f"{_MARKETING}.suppression.reason": Filter(single=("equals",), column="s.reason", exists=_GLOBAL),
            f"{_MARKETING}.suppression.timestamp": Filter("moment", RANGE, column="s.at", exists=_GLOBAL),
        },
        sorts={
            **sortable("created", "email", "id", "updated"),
            f"{_MARKETING}.suppression.timestamp": _LATEST.format("= ''"),
            f"{_MARKETING}.list_suppressions.timestamp": _LATEST.format("<> ''"),
        },
        page=Page(20, 100),
        include=("conversations", "push-tokens"),
        additional=_ADDITIONAL,
    ),
    Operation(
        "get_profile",
        "GET",
        "/api/profiles/{id}",
        "profile",
        segmentation.current(generic.get_resource, "segments"),
        _READ,
        L,
        include=("conversations", "lists", "push-tokens", "segments"),
        additional=_ADDITIONAL,
    ),
    Operation(
        "create_profile",
        "POST",
        "/api/profiles",
        "profile",
        profiles.create_profile,
        _WRITE,
        L,
        body=Record(WRITABLE),
        additional=_ADDITIONAL,
        largest_body=_LARGEST_PROFILE,
    ),
    Operation(
        "create_or_update_profile",
        "POST",
        "/api/profile-import",
        "profile",
        profiles.import_profile,
        _WRITE,
        L,
        body=Record({**WRITABLE, "_kx": STRING}),
        body_meta=PATCH,
        identified="optional",
        additional=_ADDITIONAL,
        largest_body=_LARGEST_PROFILE,
    ),
    Operation(
        "update_profile",
        "PATCH",
        "/api/profiles/{id}",
        "profile",
        profiles.update_profile,
        _WRITE,
        L,
        body=Record(WRITABLE),
        body_meta=PATCH,
        identified="required",
        additional=_ADDITIONAL,
        largest_body=_LARGEST_PROFILE,
    ),
    Operation(
        "get_lists_for_profile",
        "GET",
        "/api/profiles/{id}/lists",
        "list",
        generic.list_related,
        ("lists:read", "profiles:read"),
        S,
        parent="profile",
        relation="lists",
    ),
    Operation(
        "merge_profiles",
        "POST",
        "/api/profile-merge",
        "profile",
        merging.merge,
        _WRITE,
        M,
        body_type="profile-merge",
        body=Record({}),
        body_relationships=Record({"profiles": _SOURCE}, required=("profiles",)),
        identified="required",
    ),
    *(
        operation
        for relation, kind, more, limits in (
            ("push-tokens", "push-token", (), M),
            ("segments", "segment", ("segments:read",), S),
            ("conversations", "conversation", ("conversations:read",), S),
        )
        for operation in _related(relation, kind, more, limits)
    ),
    Operation(
        "get_list_ids_for_profile",
        "GET",
        "/api/profiles/{id}/relationships/lists",
        "list",
        generic.list_related_ids,
        ("lists:read", "profiles:read"),
        S,
        parent="profile",
        relation="lists",
        relationships_only=True,
    ),
    Operation(
        "get_conversation_for_profile",
        "GET",
        "/api/profiles/{id}/conversation",
        "conversation",
        profiles.get_conversation,
        ("conversations:read", "profiles:read"),
        S,
        parent="profile",
        relation="conversation",
    ),
    Operation(
        "get_conversation_id_for_profile",
        "GET",
        "/api/profiles/{id}/relationships/conversation",
        "conversation",
        profiles.get_conversation_id,
        ("conversations:read", "profiles:read"),
        S,
        parent="profile",
        relation="conversation",
        relationships_only=True,
    ),
)

WORK = {"profile.merge": merging.perform}
