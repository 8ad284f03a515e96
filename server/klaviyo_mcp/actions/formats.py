"""The formats of values that a spec can ask for, and how an agent is told to write them."""

import base64
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from klaviyo_mcp.actions.days import is_period
from klaviyo_mcp.actions.settled import name_in
from klaviyo_mcp.registry.id_forms import ID_FORMS

if TYPE_CHECKING:
    from jsonschema import FormatChecker  # 50 ms at the first call instead of at start-up

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
LONGEST_EMAIL, LONGEST_LOCAL = 100, 64
LOCAL_PART = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
"""What nearly every address has before its @; any other is looked at by the library."""
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?")


def checks(*, names: bool = False) -> dict[str, Callable[[str], bool]]:
    """Each format that is checked. With `names`, what stands for an id (`name:VIP customers`) passes for one."""
    found = {
        "email": is_email,
        "phone": is_phone,
        "date-time": is_time,
        "date": is_date,
        "period": is_period,
        "uri": is_uri,
        "base64": is_base64,
        "country": is_country,
        "hex-color": is_hex_color,
        "language": is_language,
    }
    return found | {kind: partial(_is_id, kind, names=names) for kind in ID_FORMS}


@lru_cache(maxsize=2)
def checker(*, names: bool = False) -> "FormatChecker":
    """The formats that are checked (see `checks`), for `jsonschema`; values that are not text `type` reports."""
    from jsonschema import FormatChecker  # 50 ms at the first call instead of at start-up

    formats = FormatChecker(formats=())
    for name, check in checks(names=names).items():
        formats.checks(name)(_for_text(check))
    return formats


def _is_id(kind: str, text: str, *, names: bool) -> bool:
    return ID_FORMS[kind].fits(text) or (names and name_in((kind, text)) is not None)


def _for_text(check: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or check(value)


def id_problem(kind: str) -> tuple[str, str]:
    """What is wrong with a value that is not an id of this kind of thing, how one looks, and what may stand for it."""
    form = ID_FORMS[kind]
    words = f"is not {form.article} {form.thing} id ({form.words}, such as {form.example})"
    stands = {"name": "Its name may stand here as name:…", "email": "An e-mail address may stand here as email:…"}
    return words, stands.get(form.named, "")


def is_email(text: str) -> bool:
    """Whether the text has the form of an e-mail address that Klaviyo can hold (at most 100 characters)."""
    local, at, domain = text.rpartition("@")
    if len(text) > LONGEST_EMAIL:
        return False
    if at and len(local) <= LONGEST_LOCAL and LOCAL_PART.fullmatch(local):
        return _is_mail_domain(domain)
    return _is_address(text)


@lru_cache(maxsize=20_000)
def _is_mail_domain(domain: str) -> bool:
    """Remembered, as many people share one and to look at it takes ten times as long as at all the rest."""
    return _is_address(f"a@{domain}")


def _is_address(text: str) -> bool:
    from email_validator import EmailNotValidError, validate_email  # 20 ms at the first address

    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def is_phone(text: str) -> bool:
    """Whether the text is a phone number in E.164 form, such as +14155550123."""
    return E164.fullmatch(text) is not None


def is_time(text: str) -> bool:
    """Whether the text is an RFC 3339 time. A missing offset is accepted: Klaviyo reads it as UTC."""
    if RFC3339.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_date(text: str) -> bool:
    """Whether the text is a day such as 2026-11-30."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


def is_uri(text: str) -> bool:
    """Whether the text is an absolute http(s) or other URI."""
    return re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+", text) is not None


def is_country(text: str) -> bool:
    """Whether the text could be a country's code of ISO 3166-1 in two letters: `US`."""
    return re.fullmatch(r"[A-Z]{2}", text) is not None


def is_language(text: str) -> bool:
    """Whether the text has the form of a language tag of BCP 47: `de`, `fr-CA`, `zh-Hant-TW`."""
    return re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", text) is not None


def is_hex_color(text: str) -> bool:
    """Whether the text is a colour in hexadecimal: `#fff`, `#1F3A2E`, or `#1F3A2ECC` with its opacity."""
    return re.fullmatch(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})", text) is not None


def is_base64(text: str) -> bool:
    """Whether the text is base64, bare or as a data URI."""
    try:
        base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except ValueError:
        return False
    return True


FORMAT_FIXES = {
    "email": ("is not an e-mail address", "Use the form name@example.org"),
    "phone": ("is not a phone number in E.164 form", "Use + and the country code, digits only, like +14155550123"),
    "date-time": ("is not a time", "Use RFC 3339, like 2026-11-30T09:00:00Z"),
    "date": ("is not a day", "Use YYYY-MM-DD, like 2026-11-30"),
    "period": (
        "names no days",
        "Use last_7_days, last_30_days, last_90_days, last_week, last_month, last_3_months, last_12_months, another "
        "such key, a month like 2026-10, or two days at most a year apart, like 2026-10-01..2026-10-31",
    ),
    "base64": ("is not base64", "Encode the bytes of the file as base64"),
    "country": ("is not a country code", "Use the two capitals of ISO 3166-1, like US"),
    "hex-color": ("is not a hex colour", "Use # and six digits, like #1F3A2E"),
    "language": ("is not a language code", "Use the tag of BCP 47, like de or fr-CA"),
    "uri": ("is not a URL", "Use the form https://example.org/path"),
    **{kind: id_problem(kind) for kind in ID_FORMS},
}
