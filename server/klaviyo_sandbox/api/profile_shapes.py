"""What profiles, their consent and their devices look like in requests and answers."""

from collections.abc import Mapping
from dataclasses import replace

from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import predictions
from klaviyo_sandbox.shapes import Coordinate, Document, Flag, Free, Items, Number, Record, Scalar, Shape, Text

_LOCATION = Record(
    {
        "address1": STRING,
        "address2": STRING,
        "city": STRING,
        "country": STRING,
        "latitude": Coordinate(),
        "longitude": Coordinate(),
        "region": STRING,
        "zip": STRING,
        "timezone": STRING,
        "ip": STRING,
    },
    nullable=True,
)
WRITABLE: dict[str, Shape] = {
    "email": Text(form="email", nullable=True),
    "phone_number": Text(form="phone", nullable=True),
    # A number is kept and shown as one.
    "external_id": Scalar(kinds=("string", "number"), shortest=1, nullable=True),
    "first_name": STRING,
    "last_name": STRING,
    "organization": STRING,
    "locale": STRING,
    "title": STRING,
    "image": STRING,
    "location": _LOCATION,
    "properties": Free(nullable=True),
}

# Channels that share one form in answers; whatsapp's also show the number they belong to.
_PERMISSION: dict[str, Shape] = {
    "consent": Text(),
    "consent_timestamp": MOMENT,
    "last_updated": MOMENT,
    "created_timestamp": MOMENT,
    "metadata": Free(nullable=True),
    "can_receive": Flag(),
    "valid_until": MOMENT,
}
_WHATSAPP = Record({**_PERMISSION, "phone_number": STRING})
_SMS: dict[str, Shape] = {
    "consent": Text(),
    "consent_timestamp": MOMENT,
    "method": STRING,
    "method_detail": STRING,
    "last_updated": MOMENT,
}
SUBSCRIPTIONS = Record(
    {
        "email": Record(
            {
                "marketing": Record(
                    {
                        "can_receive_email_marketing": Flag(),
                        "consent": Text(),
                        "consent_timestamp": MOMENT,
                        "last_updated": MOMENT,
                        "method": STRING,
                        "method_detail": STRING,
                        "custom_method_detail": STRING,
                        "double_optin": Flag(nullable=True),
                        "suppression": Items(Document()),
                        "list_suppressions": Items(Document()),
                    }
                ),
                "open_tracking": Record(_PERMISSION),
                "click_tracking": Record(_PERMISSION),
            }
        ),
        "sms": Record(
            {
                "marketing": Record({"can_receive_sms_marketing": Flag(), **_SMS}),
                "transactional": Record({"can_receive_sms_transactional": Flag(), **_SMS}),
            }
        ),
        "mobile_push": Record(
            {
                "marketing": Record(
                    {"can_receive_push_marketing": Flag(), "consent": Text(), "consent_timestamp": MOMENT}
                )
            }
        ),
        "whatsapp": Record({"marketing": _WHATSAPP, "transactional": _WHATSAPP, "conversational": _WHATSAPP}),
    }
)
PREDICTIONS = Record(
    {
        **{name: Number(nullable=True) for name in predictions.NUMBERS},
        "expected_date_of_next_order": MOMENT,
        "ranked_channel_affinity": Items(Text()),
    }
)
_METADATA = ("device_id", "klaviyo_sdk", "sdk_version", "device_model", "os_name", "os_version", "manufacturer")
_APP_METADATA = ("app_name", "app_version", "app_build", "app_id", "environment")
DEVICE = Record(dict.fromkeys((*_METADATA, *_APP_METADATA), STRING))

# Only email addresses can be appended: further ones, which find the profile as its first one does.
_ADDRESSES = Record({"email": Items(Text(form="email"), lone=True)})
PATCH = Record(
    {
        "patch_properties": Record(
            {
                "append": Free(nullable=True),
                "unappend": Free(nullable=True),
                "unset": Items(Text(), lone=True, nullable=True),
            },
            nullable=True,
        ),
        "patch_identifiers": Record({"append": _ADDRESSES, "unappend": _ADDRESSES}, nullable=True),
    }
)
OPTIONAL_PATCH = replace(PATCH, nullable=True)
EVENT_PROFILE: dict[str, Shape] = {**WRITABLE, "anonymous_id": STRING, "_kx": STRING}


def reference(attributes: Mapping[str, Shape], **beside: Shape) -> Record:
    """The shape of a profile inside a request's attributes; `beside` is what stands next to its own attributes."""
    entry: dict[str, Shape] = {"type": Text(choices=("profile",)), "id": STRING, "attributes": Record(attributes)}
    return Record({"data": Record({**entry, **beside}, required=("type", "attributes"))}, required=("data",))


_SDKS = ("android", "flutter", "flutter_community", "react_native", "swift")
_SYSTEMS = ("android", "ios", "ipados", "macos", "tvos")
ENABLEMENT = ("AUTHORIZED", "DENIED", "NOT_DETERMINED", "PROVISIONAL", "UNAUTHORIZED")
_NEW_DEVICE: dict[str, Shape] = {
    **dict.fromkeys((*_METADATA, *_APP_METADATA), STRING),
    "klaviyo_sdk": Text(choices=_SDKS, nullable=True),
    "os_name": Text(choices=_SYSTEMS, nullable=True),
    "environment": Text(choices=("debug", "release"), nullable=True),
}
TOKEN: dict[str, Shape] = {
    "token": Text(shortest=1),
    "platform": Text(choices=("android", "ios")),
    "enablement_status": Text(choices=ENABLEMENT, nullable=True),
    "vendor": Text(choices=("apns", "fcm")),
    "background": Text(choices=("AVAILABLE", "DENIED", "RESTRICTED"), nullable=True),
    "device_metadata": Record(_NEW_DEVICE),
}
TOKEN_REQUIRED = ("token", "platform", "vendor")
_OWNER: dict[str, Shape] = {**WRITABLE, "_kx": STRING}
NEW_TOKEN = Record({**TOKEN, "profile": reference(_OWNER, meta=OPTIONAL_PATCH)}, required=(*TOKEN_REQUIRED, "profile"))
# At 2026-07-15 what changes lists of the profile is one of its attributes.
JULY_NEW_TOKEN = Record(
    {**TOKEN, "profile": reference({**_OWNER, "meta": PATCH})}, required=(*TOKEN_REQUIRED, "profile")
)
