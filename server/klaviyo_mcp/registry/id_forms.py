"""The forms of Klaviyo's ids: formats that a schema can ask for, such as `list-id`, and which names are such ids.

Each is as strict as is certain and no stricter: where live accounts hold several forms, all of them pass.
"""

import re
from dataclasses import dataclass

SIX = r"[0-9A-Za-z]{6}"
ULID = r"[0-9A-Za-z]{26}"
"""Somewhat wider than a ULID is: a wrong letter is for Klaviyo to find."""
UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
HEX = r"[0-9a-f]{32}"
DIGITS = r"[0-9]+"
LOOSE = r"[0-9A-Za-z-]{6,40}"


@dataclass(frozen=True, slots=True)
class IdForm:
    """What the ids of one kind of thing look like, in words, as a pattern for the whole text, and by an example.

    `named` says what a thing can be called by instead (`name:VIP customers`), nothing where it cannot be found so.
    """

    thing: str
    words: str
    example: str
    pattern: re.Pattern[str]
    named: str = ""

    @property
    def article(self) -> str:
        """What stands before the thing in a sentence."""
        return "an" if self.thing[0] in "aeio" else "a"

    def fits(self, text: str) -> bool:
        """Whether a text could be such an id."""
        return self.pattern.fullmatch(text) is not None


def _form(thing: str, words: str, example: str, *patterns: str, named: str = "name") -> IdForm:
    return IdForm(thing, words, example, re.compile("|".join(f"(?:{pattern})" for pattern in patterns)), named)


_SIX = "six letters and digits"
_ULID = "26 digits and capitals"
_NUMBER = "a number"
_LOOSE = "letters and digits, mostly 26"
ID_FORMS = {
    "list-id": _form("list", _SIX, "VbT4kM", SIX),
    "segment-id": _form("segment", _SIX, "Tq7dLw", SIX),
    "audience-id": _form("list or segment", _SIX, "VbT4kM", SIX),
    "template-id": _form("template", _SIX, "Wq8zRt", SIX),
    # A metric of one's own can stand where a metric can.
    "metric-id": _form("metric", _SIX, "UwD8nK", SIX, ULID, HEX),
    "flow-id": _form("flow", _SIX, "XmP2vK", SIX),
    "form-id": _form("form", _SIX, "YkR5tB", SIX),
    "flow-action-id": _form("flow action", _NUMBER, "116466131", DIGITS, SIX, named=""),
    "flow-message-id": _form("flow message", _SIX, "SxG6hN", SIX, ULID, DIGITS, named=""),
    "web-feed-id": _form("web feed", _NUMBER, "1234567", DIGITS, SIX),
    "image-id": _form("image", _NUMBER, "231984512", DIGITS),
    "profile-id": _form("profile", _ULID, "01JCW4R8P3M7V1X5Z9C2F6H0KQ", ULID, named="email"),
    "campaign-id": _form("campaign", _ULID, "01JCW4R8P3M7V1X5Z9C2F6H0KQ", ULID),
    # What Klaviyo's document shows as ids of the newer campaign records is HEX.
    "campaign-audience-id": _form("campaign audience", _LOOSE, "01JCW4R8Q4N8W2Y6A0D3G7J1MS", LOOSE, named=""),
    "campaign-message-id": _form("campaign message", _ULID, "01JCW4R8P3M7V1X5Z9C2F6H0KQ", ULID, HEX, named=""),
    "campaign-variation-id": _form("campaign variation", _LOOSE, "01JCW4R8R5P9X3Z7B1E4H8K2NT", LOOSE, named=""),
    "tag-id": _form("tag", "a UUID", "7b0d6d0e-3c1f-4f4a-9a55-0d9a6f6b2c11", UUID),
    "tag-group-id": _form("tag group", "a UUID", "7b0d6d0e-3c1f-4f4a-9a55-0d9a6f6b2c11", UUID),
    "text-messaging-sender-id": _form("text messaging sender", _ULID, "01JCW4R8P3M7V1X5Z9C2F6H0KQ", ULID, named=""),
    "text-messaging-sender-registration-id": _form(
        "text messaging sender registration", _ULID, "01JCW4R8P3M7V1X5Z9C2F6H0KQ", ULID, named=""
    ),
    "translation-id": _form(
        "translation",
        "what is translated, a channel and its id",
        "template::email::Wq8zRt",
        r"[a-z-]+::.+::.+",
        named="",
    ),
    "universal-content-id": _form("universal content", _ULID, "01JCW4R8P3M7V1X5Z9C2F6H0KQ", ULID, HEX),
    # Klaviyo shows a number and says no more, so that other known forms pass too.
    **{
        f"brand-{kind}-id": _form(words, _NUMBER, "42", DIGITS, ULID, UUID, HEX)
        for kind, words in (
            ("logo", "brand logo"),
            ("button", "brand button"),
            ("color", "colour group"),
            ("social-group", "brand social group"),
        )
    },
    # Klaviyo documents neither, so that little is held against them.
    "custom-metric-id": _form("custom metric", _LOOSE, "01JCZ4V7Q9M2R5T8W1Y3B6D0FK", LOOSE),
    "webhook-id": _form("webhook", _LOOSE, "01JD5T8W1Z4C7F0H3K6N9Q2S5V", LOOSE),
    "event-id": _form("event", "letters and digits, mostly eleven", "7fxmgLcbxPC", LOOSE, named=""),
}
"""By the name of the format."""
