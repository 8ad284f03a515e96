"""How texts of a file are read as numbers, times, yes or no, and phone numbers."""

from datetime import date
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klaviyo_mcp.jobs.phones import PhoneReader
from klaviyo_mcp.jobs.values import Wrong, as_read, boolean, moment, number, reading_of


@pytest.mark.parametrize(
    ("text", "reading", "expected"),
    [
        ("12", "number", 12),
        ("-12.50", "number", -12.5),
        ("€ 49.90", "number", 49.9),
        ("1,234.50", "number", 1234.5),
        ("1,234,567", "number", 1234567),
        ("1,234", "number.", 1234),
        ("1,234", "number", "can mean two things"),
        ("12,50", "number", "can mean two things"),
        ("12,50", "number,", 12.5),
        ("1.234,5", "number,", 1234.5),
        ("1.234", "number,", 1234),
        ("12.5", "number,", "not a number with a decimal comma"),
        ("1234567890123456", "number", "more than 15 digits"),
        ("twelve", "number", "not a number"),
        ("1e5", "number", "not a number"),
    ],
)
def test_a_number_is_read_one_way_or_not_at_all(text: str, reading: str, expected: float | str) -> None:
    if isinstance(expected, str):
        with pytest.raises(Wrong, match=expected):
            number(text, reading)
    else:
        assert number(text, reading) == expected
        assert type(number(text, reading)) is type(expected)


@pytest.mark.parametrize(
    ("text", "reading", "expected"),
    [
        ("2026-01-03", "date", "2026-01-03T00:00:00+01:00"),
        ("2026-07-03 12:30", "date", "2026-07-03T12:30:00+02:00"),
        ("2026-01-03T12:30:05.5Z", "date", "2026-01-03T12:30:05.500000Z"),
        ("2026-01-03T12:30:05+02:00", "date", "2026-01-03T12:30:05+02:00"),
        ("03.01.2026 7:05", "day-first", "2026-01-03T07:05:00+01:00"),
        ("01/03/2026 12:30 pm", "month-first", "2026-01-03T12:30:00+01:00"),
        ("1767441600", "unix", "2026-01-03T12:00:00Z"),
        ("1767441600000", "unix-ms", "2026-01-03T12:00:00Z"),
        ("03/01/2026", "date", "several ways"),
        ("31.02.2026", "day-first", "does not exist"),
        ("2026-01-03 25:00", "date", "does not exist"),
        ("soon", "date", "is not a time"),
    ],
)
def test_a_time_becomes_rfc_3339_of_its_zone(text: str, reading: str, expected: str) -> None:
    if "2026" in expected:
        assert moment(text, reading, ZoneInfo("Europe/Berlin"))[0] == expected
    else:
        with pytest.raises(Wrong, match=expected):
            moment(text, reading, None)


@pytest.mark.parametrize(
    ("texts", "reading"),
    [
        (["1", "2.5", "-3"], "number."),
        (["1", "2"], "number"),
        (["1,5", "2"], "number,"),
        (["1.200", "2,5"], "number,"),
        (["007", "1"], "text"),
        (["+49176", "1"], "text"),
        (["1234567890123456789"], "text"),
        (["True", "false"], "boolean"),
        (["yes", "no"], "text"),
        (["2026-01-03", "2026-01-03 12:00"], "date"),
        (["03.01.2026"], "day-first"),
        (["25/01/2026", "03/01/2026"], "day-first"),
        (["01/25/2026", "03/01/2026"], "month-first"),
        (["03/04/2026"], "ambiguous"),
        (["01/25/2026", "25/01/2026"], "text"),
        (["M", "L"], "text"),
        ([], "text"),
    ],
)
def test_a_column_is_read_as_all_of_its_values_are(texts: list[str], reading: str) -> None:
    assert reading_of(texts) == reading


@given(st.lists(st.dates(date(1900, 1, 1), date(2200, 1, 1)), min_size=1, max_size=5), st.booleans())
def test_days_come_back_or_are_asked_for(days: list[date], month_first: bool) -> None:
    texts = [day.strftime("%m/%d/%Y" if month_first else "%d/%m/%Y") for day in days]
    reading = reading_of(texts)
    assume(reading != "ambiguous")
    if all(day.day == day.month for day in days):
        return
    assert [as_read(text, reading) for text in texts] == [day.isoformat() for day in days]


def test_yes_and_no_are_read_in_some_languages() -> None:
    assert [boolean(word) for word in ("TRUE", "ja", "0", "Non")] == [True, True, False, False]
    with pytest.raises(Wrong):
        boolean("maybe")


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("0176 12345678", "DE", "+4917612345678"),
        ("+49 (0)176/123-45678", "", "+4917612345678"),
        ("0049 176 12345678", "", "+4917612345678"),
        ("4917612345678", "DE", "+4917612345678"),
        ("(415) 555-0123", "us", "+14155550123"),
        ("+1 415-555-0123", "DE", "+14155550123"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("0176 12345678", "", "without its country code"),
        ("0176 12345678", "FR", "not a phone number"),
        ("4,91761E+11", "DE", "a spreadsheet has shortened"),
        ("none", "DE", "not a phone number"),
    ],
)
def test_phone_numbers_become_international(text: str, region: str, expected: str) -> None:
    if expected.startswith("+"):
        assert PhoneReader(region)(text) == expected
    else:
        with pytest.raises(Wrong, match=expected):
            PhoneReader(region)(text)


@given(
    st.sampled_from(["DE", "US", "GB", "IT", "FR", "AT", "CH", "ES", "NL", "PL", "SE", "CA", "BR", "RU"]),
    st.sampled_from(["", "0", "00", "1", "+", "+49", "+1", "(0)", "06", "0176", "+39 0"]),
    st.text("0123456789 -/()", min_size=3, max_size=14),
)
def test_the_short_way_finds_what_the_library_does(region: str, prefix: str, digits: str) -> None:
    text = (prefix + digits).strip()
    try:
        found = PhoneReader(region)(text)
    except Wrong:
        return
    code = str(phonenumbers.country_code_for_region(region))
    plain = "".join(character for character in text if character.isdecimal() or character == "+")
    # Taken as they stand: what is in E.164 already; and a country code that has lost its +.
    assume(found != text and not plain.startswith((code, "00")))
    assert found == phonenumbers.format_number(phonenumbers.parse(text, region), phonenumbers.PhoneNumberFormat.E164)
