"""Phone numbers in E.164 form. Those of the region that is known are read in a twentieth of the library's time."""

import re
from collections.abc import Callable
from functools import lru_cache

from klaviyo_mcp.actions.formats import E164
from klaviyo_mcp.jobs.values import HIDDEN, LONGEST, Wrong

JOINTS = str.maketrans("", "", f" \u00a0\u202f()/.-\u2010\u2011\u2013\t'{HIDDEN}")
DIGITS = re.compile(r"[0-9]{5,17}")
SPREADSHEET = re.compile(r"\d[.,]\d+E\+?\d+", re.IGNORECASE)
SIMPLE_TRUNK = re.compile("[01]?")
KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "uan",
    "pager",
    "voicemail",
)
"""What the library knows of the numbers of a region, by their use."""
ADVICE = "Write it with + and its country code, such as +14155550123"


class PhoneReader:
    """Reads numbers as people write them: with their country code, or as in `region` (ISO 3166, such as DE).

    Raises ValueError for a region that is not known.
    """

    def __init__(self, region: str = "") -> None:
        import phonenumbers  # 40 ms, and only for files with numbers

        self._library = phonenumbers
        self._region = region.upper() or None
        self._slow: Callable[[str], str | None] = lru_cache(maxsize=10_000)(self._parsed)
        self._code, self._trunk = "", ""
        self._is_national: Callable[[str], object] | None = None
        if self._region:
            self._know(region)

    def __call__(self, text: str) -> str:
        """The number in E.164 form. Raises Wrong."""
        if len(text) > LONGEST:
            raise Wrong("is not a phone number", ADVICE)
        plain = text.translate(JOINTS)
        own = bool(self._code) and plain.startswith(self._code)
        if self._is_national and self._trunk == "0" and plain.startswith(self._code[1:]):
            # Spreadsheets take the + away. A number without its 0 could begin alike, but is hardly ever written so.
            rest = plain[len(self._code) - 1 :]
            own = rest[:1] != "0" and bool(self._is_national(rest))
            plain = f"+{plain}" if own else plain
        if self._is_national and plain.isascii() and (own or plain[:2] != "00"):
            national = plain[len(self._code) :] if own else plain.removeprefix(self._trunk) if self._trunk else plain
            # What is no valid number of the region as it stands is left to the library.
            if national.isdecimal() and self._is_national(national):
                return self._code + national
        if not own and E164.fullmatch(text):
            return text
        if found := self._slow(text):
            return found
        raise self._wrong(text, plain)

    def _know(self, region: str) -> None:
        about = self._library.PhoneMetadata.metadata_for_region(region.upper())
        if about is None:
            raise ValueError(f"{region!r} is no region, such as DE, US or GB")
        trunk = about.national_prefix_for_parsing or ""
        self._code = f"+{about.country_code}"
        if about.national_prefix_transform_rule or not SIMPLE_TRUNK.fullmatch(trunk):
            return
        kinds = [getattr(about, name) for name in KINDS]
        patterns = [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]
        self._trunk = trunk
        self._is_national = re.compile("|".join(f"(?:{pattern})" for pattern in patterns)).fullmatch

    def _parsed(self, text: str) -> str | None:
        plain = text.translate(JOINTS)
        if plain.startswith("00") and not self._region:
            text = f"+{plain[2:]}"
        library = self._library
        try:
            number = library.parse(text, self._region)
        except library.NumberParseException:
            return None
        abroad = text.lstrip().startswith("+")
        possible = library.is_possible_number_with_reason(number) == library.ValidationResult.IS_POSSIBLE
        # Without a country code the region is a guess, which a valid number bears out.
        if number.extension or not (possible if abroad else library.is_valid_number(number)):
            return None
        return library.format_number(number, library.PhoneNumberFormat.E164)

    def _wrong(self, text: str, plain: str) -> Wrong:
        if SPREADSHEET.fullmatch(text):
            return Wrong("is a number that a spreadsheet has shortened", "Format the column as text and save it again")
        if not self._region and DIGITS.fullmatch(plain):
            return Wrong("is a phone number without its country code", "Give --region, such as --region DE")
        return Wrong("is not a phone number", ADVICE)
