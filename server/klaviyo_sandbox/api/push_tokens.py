"""Push tokens of the devices people use."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT
from klaviyo_sandbox.api.profile_shapes import DEVICE, ENABLEMENT, NEW_TOKEN
from klaviyo_sandbox.behaviour import push_tokens
from klaviyo_sandbox.declare import Column, Filter, L, M, Operation, Page, Relation, Resource, S
from klaviyo_sandbox.shapes import Record, Text

RESOURCES = (
    Resource(
        "push-token",
        Record(
            {
                "created": MOMENT,
                "token": Text(),
                "enablement_status": Text(),
                "platform": Text(),
                "vendor": Text(),
                "background": Text(),
                "recorded_date": MOMENT,
                "metadata": DEVICE,
            }
        ),
        ids="chosen",
        relations=(Relation("profile", "profile", column="profile_id", data=True),),
        columns={
            "profile_id": Column("_profile_id"),
            "token": Column("token"),
            "enablement_status": Column("enablement_status"),
            "platform": Column("platform"),
        },
        indexes=(("profile_id",), ("token",)),
        stamps=("created", ""),
    ),
)

_READ = ("profiles:read", "push-tokens:read")

OPERATIONS = (
    Operation(
        "get_push_tokens",
        "GET",
        "/api/push-tokens",
        "push-token",
        generic.list_resources,
        _READ,
        M,
        filters={
            "id": Filter(single=("equals",)),
            "profile.id": Filter(single=("equals",), column="profile_id"),
            "enablement_status": Filter(single=("equals",), choices=ENABLEMENT),
            "platform": Filter(single=("equals",), choices=("android", "ios")),
        },
        page=Page(20, 100),
        include=("profile",),
    ),
    Operation(
        "create_push_token",
        "POST",
        "/api/push-tokens",
        "push-token",
        push_tokens.create,
        ("profiles:write", "push-tokens:write"),
        L,
        body=NEW_TOKEN,
        largest_body=100 * 1024,
        empty=True,
    ),
    Operation(
        "get_push_token",
        "GET",
        "/api/push-tokens/{id}",
        "push-token",
        generic.get_resource,
        _READ,
        M,
        include=("profile",),
    ),
    Operation(
        "delete_push_token",
        "DELETE",
        "/api/push-tokens/{id}",
        "push-token",
        push_tokens.delete,
        ("push-tokens:write",),
        S,
        empty=True,
    ),
    Operation(
        "get_profile_for_push_token",
        "GET",
        "/api/push-tokens/{id}/profile",
        "profile",
        generic.get_related,
        _READ,
        M,
        parent="push-token",
        relation="profile",
        additional=("subscriptions", "predictive_analytics"),
    ),
    Operation(
        "get_profile_id_for_push_token",
        "GET",
        "/api/push-tokens/{id}/relationships/profile",
        "profile",
        generic.get_related_id,
        _READ,
        M,
        parent="push-token",
        relation="profile",
        relationships_only=True,
    ),
)
