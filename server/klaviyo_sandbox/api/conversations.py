"""Conversations: messages of the account's own in a conversation with a profile."""

from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import conversations
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Choice, Document, Flag, Free, Items, Number, Record, Scalar, Text

_OPTIONAL_NUMBER = Number(whole=True, nullable=True)
_IMAGE_ORIGINS = (
    *("ADOPTION_SMS_FORM_FROM_EMAIL_FORM", "ADOPTION_SMS_MULTI_STEP_FORM_FROM_EMAIL_FORM", "AI", "API", "APPLICATION"),
    *("CLONED", "COMPOSER", "COMPOSER_AI_EDITED", "COMPOSER_AI_GENERATED", "COMPOSER_USED_IN_KLAVIYO_OBJECT"),
    *("COMPOSER_USER_UPLOADED", "COMPOSER_WEB_SCRAPED", "INTEGRATION", "KLAVIYO", "LIBRARY", "MARKETING_AGENT"),
    *("SOCIAL_INSTAGRAM", "SOCIAL_INSTAGRAM_OVERLAID", "UI", "WEB_SCRAPE"),
)
_STORED_IMAGE = {
    "id": Number(whole=True),
    "file_path": Text(),
    "name": Text(),
    "format": Text(choices=("gif", "jpeg", "jpg", "png", "webp")),
    "file_size": Number(whole=True),
    "updated": Text(form="moment"),
    "origin": Text(choices=_IMAGE_ORIGINS, nullable=True),
    "url": Text(),
    "image_type": Text(choices=("dynamic", "static")),
    "l10n_key": STRING,
}
_STORED_IMAGE_REQUIRED = ("id", "file_path", "name", "format", "file_size", "updated", "url", "image_type")
_CHOSEN_IMAGE = {
    "static_image_asset_id": _OPTIONAL_NUMBER,
    "dynamic_image_template": STRING,
    "rendered_asset_url": STRING,
}
_THUMBNAIL = Record(_CHOSEN_IMAGE, nullable=True)
_STORED_MEDIA = {
    "id": Text(),
    "company_id": Text(),
    "url": Text(),
    "media_type": Text(),
    "name": Text(),
    "file_size": Number(whole=True),
    "thumbnail_url": STRING,
    "l10n_key": STRING,
}
_CHOSEN_MEDIA = {"static_asset_id": STRING, "dynamic_template": STRING, "thumbnail": _THUMBNAIL}
_BUTTON = Record(
    {
        "id": Text(),
        "text": Text(),
        "type": Text(choices=("OPEN_URL", "REPLY")),
        "url": STRING,
        "open_mode": Text(choices=("BROWSER", "WEBVIEW_FULL", "WEBVIEW_HALF", "WEBVIEW_TALL"), nullable=True),
    },
    required=("id", "text", "type"),
)
_CARD = Record(
    {
        "id": Text(),
        "title": STRING,
        "text": STRING,
        "extra": Free(nullable=True),
        # A file that is in the library already, or a reference to one that will be.
        "image": Record({**_STORED_IMAGE, **_CHOSEN_IMAGE}, nullable=True),
        "video": Record({**_STORED_MEDIA, **_CHOSEN_MEDIA}, nullable=True),
        "buttons": Items(_BUTTON, nullable=True),
    },
    required=("id",),
)
_RCS = Record(
    {
        "message": Text(),
        "message_format": Text(),
        "rich_content": Record(
            {
                "cards": Items(_CARD, nullable=True),
                "suggestions": Items(_BUTTON, nullable=True),
                "file": Record(_CHOSEN_MEDIA, nullable=True),
            },
            nullable=True,
        ),
        "extra": Free(nullable=True),
        "image": _THUMBNAIL,
    },
)
_SMS = Record(
    {
        "message": Text(),
        "message_format": Text(),
        "extra": Free(nullable=True),
        "image": Record(
            {
                "dynamic": Flag(nullable=True),
                "static_image_asset_id": Number(whole=True),
                "dynamic_image_template": Text(),
            },
            nullable=True,
        ),
        "selected_image": Record(_STORED_IMAGE, _STORED_IMAGE_REQUIRED, nullable=True),
        "media": Record({**_STORED_MEDIA, **_CHOSEN_MEDIA}, nullable=True),
    },
    required=("message",),
)

RESOURCES = (
    Resource(
        "conversation-message",
        Record({"body": Text(), "message_hierarchy": Items(Document()), "created_at": MOMENT}),
        ids="ulid",
        relations=(Relation("conversation", "conversation", column="conversation_id"),),
        columns={"conversation_id": Column("_conversation_id")},
        indexes=(("conversation_id",),),
        stamps=("created_at", ""),
    ),
)

OPERATIONS = (
    Operation(
        "create_conversation_message",
        "conversation-message",
        conversations.create_message,
        body=Record(
            {
                "body": Text(),
                "message_hierarchy": Items(
                    Choice("message_format", {"RCS": _RCS, "SMS": _SMS}, default="RCS"), nullable=True
                ),
            },
            required=("body",),
        ),
        body_relationships=Record(
            {
                "conversation": Record(
                    {
                        "data": Record(
                            {"type": Text(choices=("conversation",)), "id": Scalar(kinds=("string",))},
                            required=("type", "id"),
                        )
                    },
                    required=("data",),
                )
            },
            required=("conversation",),
        ),
        empty=True,
        entitlement="conversations",
    ),
)
