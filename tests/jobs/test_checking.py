"""Rows checked before anything is sent: items, rejected rows, duplicates, and what is told of them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.actions.validating import validator
from klaviyo_mcp.jobs.checking import Checked, Checker, checked
from klaviyo_mcp.jobs.items import Item, Rejected
from klaviyo_mcp.jobs.kind import item_schema, load_kinds
from klaviyo_mcp.jobs.mapping import suggested
from klaviyo_mcp.jobs.row_rules import RowRules
from klaviyo_mcp.jobs.source import SourceProblem, open_source, source_of_rows
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Registry

Check = Callable[..., tuple[list[Item], list[Rejected], Checked]]
PEOPLE = """E-Mail;Vorname;Telefon;PLZ;Punkte;VIP;Geburtstag
Anna@Web.de;Anna;0176 12345678;01067;12,5;true;03.01.1990
broken;Bob;123;;1.200;false;24.12.1985
;Nobody;;;;;
carla@example.org;Carla;+44 20 7946 0958;;many;;
too;few
"""

SHIRT = {"external_id": "1", "title": "Shirt", "description": "A shirt", "url": "https://shop.test/"}


@pytest.fixture
def check(registry: Registry, tmp_path: Path) -> Check:
    def run(rows: str | list[Any], kind: str = "profiles", **options: Any) -> Any:
        given, constants = options.pop("given", {}), options.pop("constants", {})
        rule = options.pop("duplicates", "refuse")
        if isinstance(rows, str):
            (tmp_path / "rows.csv").write_text(rows, "utf-8")
        source = open_source(tmp_path / "rows.csv") if isinstance(rows, str) else source_of_rows(rows)
        of = load_kinds()[kind]
        schema = item_schema(of, registry)
        mapped = suggested(of, schema, source.columns, source.sample, given, constants)
        rules = RowRules(of, registry[of.action].spec.preconditions, options.pop("of_job", {}))
        checking = checked(source, Checker(of, schema, mapped, rules=rules, **options), duplicates=rule)
        found = list(checking)
        items = [one for one in found if isinstance(one, Item)]
        return items, [one for one in found if isinstance(one, Rejected)], checking

    return run


def test_what_cannot_be_seen_is_taken_from_the_ends_of_values(check: Check) -> None:
    rows = "email,phone,city\n\u200bada@web.de\u00a0,\u202a+49 176 12345678\u202c,Bonn\ufeff\n"
    items, _, checking = check(rows)
    assert items[0].body == {"email": "ada@web.de", "phone_number": "+4917612345678", "location": {"city": "Bonn"}}
    assert "1 value of 'city' was freed of characters at its ends that cannot be seen." in checking.report.told


CONSENT = "email,consented_at\nada@web.de,2099-01-01\nbob@web.de,2026-01-01\neve@web.de,\n"
BROKEN: list[Any] = [
    ("events", "email,metric,time\nada@web.de,M,1980-01-01\nbob@web.de,M,2026-01-01\neve@web.de,M,2099-01-01\n", {}, {
        2: ("time", "must not be before 1990-01-01T00:00Z"),
        4: ("time", "must not be after "),
    }),
    ("subscribe-email", CONSENT, {"historical": True}, {
        2: ("consented_at", "must be in the past"),
        4: ("consented_at", "is needed"),
    }),
    ("subscribe-email", CONSENT, {}, {
        2: ("consented_at", "must be left out"),
        3: ("consented_at", "must be left out"),
    }),
    ("events", [{"email": "ada@web.de", "metric": "M", "notes": "x" * size} for size in (9, 102_401)], {}, {
        2: ("notes", "has 102,401 bytes"),
    }),
    ("catalog-items-create", [{**SHIRT, "custom_metadata": {"n": "x" * size}} for size in (9, 102_400)], {}, {
        2: ("", "is longer than 102,400 bytes"),
    }),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "rows", "options", "wanted"), BROKEN)
def test_what_a_rule_of_the_action_refuses_does_not_pass(
    check: Check, kind: str, rows: Any, options: JSON, wanted: dict[int, tuple[str, str]]
) -> None:
    items, rejected, checking = check(rows, kind, of_job=options)
    assert {one.line: one.where for one in rejected} == {line: where for line, (where, _) in wanted.items()}
    assert all(wanted[one.line][1] in one.why and one.advice for one in rejected)
    assert checking.report.good == len(items) == checking.report.rows - len(wanted)


def test_no_rule_about_a_row_is_first_asked_when_it_is_sent(registry: Registry) -> None:
    for kind in load_kinds().values():
        for rule in registry[kind.action].spec.preconditions:
            of_rows = any(place.startswith(f"{kind.items}[]") for place in rule.places)
            if not of_rows or rule.warns or rule.is_live or rule.unless or rule.items:
                continue  # a warning lets through; what needs a request is asked with it; an item is one event
            options = {"list": "L", **({"historical": True} if rule.when else {})}
            assert RowRules(kind, [rule], options), f"{kind.name}: {rule.kind} {rule.places}"


@pytest.mark.parametrize(("value", "why"), [(list(range(10_001)), "more than 10,000 values"), ([[[1]]], "")])
def test_a_row_has_no_more_than_a_call_may_hold(check: Check, value: Any, why: str) -> None:
    items, rejected, _ = check([{"email": "ada@web.de", "value": value}, {"email": "bob@web.de"}])
    assert [why in one.why for one in rejected] == [True] * bool(why)
    assert len(items) == 2 - bool(why)


@pytest.mark.parametrize(
    ("late", "becomes"),
    [
        ({"phone_number": "0176 12345678"}, {"phone_number": "+4917612345678"}),
        ({"Farbe": "rot"}, {"properties": {"Farbe": "rot"}}),
        ({"Farbe": "\u200brot\ufeff"}, {"properties": {"Farbe": "rot"}}),
        ({"Telefon": "0176 12345678"}, "Call it phone_number if that is what it is"),
        ({"external_id": ["a"]}, "It takes: string"),
        ({"email": "bob@web.de"}, "Leave one of them out"),
    ],
)
def test_what_comes_first_after_the_first_rows_is_not_guessed(check: Check, late: JSON, becomes: JSON | str) -> None:
    rows = [{"E-Mail": f"a{number}@web.de"} for number in range(1_000)]
    items, rejected, _ = check([*rows, {"E-Mail": "ada@web.de", **late}], region="DE")
    if isinstance(becomes, str):
        assert [becomes in one.advice or one.advice for one in rejected] == [True]
    else:
        assert items[-1].body == {"email": "ada@web.de", **becomes}


def test_rows_become_items_or_are_told_why_not(check: Check) -> None:
    given = {"Punkte": "properties.Punkte:number,"}
    items, rejected, checking = check(PEOPLE, region="DE", given=given, constants={"source": "expo"})
    assert [(item.line, item.body) for item in items] == [
        (
            2,
            {
                "email": "anna@web.de",
                "first_name": "Anna",
                "phone_number": "+4917612345678",
                "location": {"zip": "01067"},
                "properties": {"Punkte": 12.5, "VIP": True, "Geburtstag": "1990-01-03", "source": "expo"},
            },
        ),
        (
            5,
            {
                "email": "carla@example.org",
                "first_name": "Carla",
                "phone_number": "+442079460958",
                "properties": {"Punkte": "many", "source": "expo"},
            },
        ),
    ]
    assert items[0].raw == "Anna@Web.de;Anna;0176 12345678;01067;12,5;true;03.01.1990"
    assert items[0].identity == "email=anna@web.de"
    assert items[0].size == len(items[0].text.encode())
    assert [(one.line, one.where, one.why) for one in rejected] == [
        (3, "E-Mail", "is not an e-mail address; Telefon is not a phone number"),
        (4, "", "has neither E-Mail nor Telefon"),
        (6, "", "has 2 values where the header has 7"),
    ]
    assert all(one.advice for one in rejected)
    report = checking.report
    assert (report.rows, report.good, report.rejected, report.duplicates) == (5, 2, 3, 0)
    assert {(group.where, group.count, *group.lines) for group in report.problems} == {
        ("E-Mail", 1, 3),
        ("Telefon", 1, 3),
        ("", 1, 4),
        ("", 1, 6),
    }
    told = " ".join(report.told)
    assert "2 phone numbers of 'Telefon' were written in international form, as of DE" in told
    assert "1 address of 'E-Mail' was written in small letters" in told
    assert "1 value that is not as the others of 'Punkte' was left as text" in told
    assert len(report.fingerprint) == 64


def test_no_value_of_a_row_is_in_the_report(check: Check) -> None:
    _, rejected, checking = check("email;Telefon\nsecret-address;5550199secret\n")
    assert "secret" in rejected[0].raw
    assert "secret" not in repr(checking.report) + rejected[0].why + rejected[0].advice


def test_samples_and_groups_of_problems_are_few(check: Check) -> None:
    rows = "email;a\n" + "wrong;1\n" * 30
    _, _, checking = check(rows)
    (group,) = checking.report.problems
    assert (group.count, group.lines) == (30, [2, 3, 4, 5, 6])


TWICE = "email;name;size\na@example.org;First;S\nb@example.org;Other;M\nA@example.org;;L\n"


@pytest.mark.parametrize(
    ("rule", "expected", "duplicate"),
    [
        ("first", [(2, "First", "S"), (3, "Other", "M")], (4, True, "has the email of line 2, which stands for it")),
        ("refuse", [(2, "First", "S"), (3, "Other", "M")], (4, False, "has the email of line 2")),
        ("last", [(4, None, "L"), (3, "Other", "M")], (2, True, "has the email of line 4, which stands for it")),
        (
            "merge",
            [(4, "First", "L"), (3, "Other", "M")],
            (2, True, "has the email of line 4, which it was merged into"),
        ),
    ],
)
def test_duplicates_are_settled_by_rule(check: Check, rule: str, expected: Any, duplicate: Any) -> None:
    items, rejected, checking = check(TWICE, duplicates=rule)
    found = [(item.line, item.body["properties"].get("name"), item.body["properties"]["size"]) for item in items]
    assert found == expected
    assert [(one.line, one.duplicate, one.why) for one in rejected] == [duplicate]
    assert rejected[0].raw == TWICE.splitlines()[duplicate[0] - 1]
    assert (checking.report.duplicates, checking.report.rejected) == ((0, 1) if rule == "refuse" else (1, 0))


ADDRESSES = st.sampled_from(["a@example.org", "b@example.org", "C@example.org", "c@example.org"])
ROWS = st.lists(st.fixed_dictionaries({"email": ADDRESSES}, optional={"x": st.integers(0, 9), "y": st.integers(0, 9)}))


@given(ROWS.filter(bool))
def test_settling_equals_a_dictionary(registry: Registry, rows: list[dict[str, Any]]) -> None:
    of = load_kinds()["profiles"]
    schema = item_schema(of, registry)
    merged: dict[str, dict[str, Any]] = {}
    last: dict[str, dict[str, Any]] = {}
    for row in rows:
        key, rest = row["email"].lower(), {name: value for name, value in row.items() if name != "email"}
        merged.setdefault(key, {}).update(rest)
        last[key] = rest
    for rule, expected in (("merge", merged), ("last", last)):
        source = source_of_rows(rows)
        mapped = suggested(of, schema, source.columns, source.sample, {}, {})
        found = [one for one in checked(source, Checker(of, schema, mapped), duplicates=rule) if isinstance(one, Item)]
        assert [(item.body["email"], item.body.get("properties", {})) for item in found] == list(expected.items())


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUE = st.none() | TEXT | st.integers() | st.booleans() | st.lists(st.integers(), max_size=2)
VALUE |= st.dictionaries(st.sampled_from(["city", "zip", "town"]), TEXT, max_size=2)
EMAIL = st.emails() | TEXT


@given(
    st.fixed_dictionaries(
        {"email": EMAIL},
        optional=dict.fromkeys(["phone_number", "external_id", "first_name", "location", "image", "Punkte"], VALUE),
    )
)
def test_whatever_passes_is_valid_by_the_schema(registry: Registry, row: dict[str, Any]) -> None:
    of = load_kinds()["profiles"]
    schema = item_schema(of, registry)
    source = source_of_rows([row])
    mapped = suggested(of, schema, source.columns, [], {}, {})
    for one in checked(source, Checker(of, schema, mapped, region="DE")):
        if isinstance(one, Item):
            assert not list(validator(schema).iter_errors(one.body))


def test_rows_of_json_keep_their_types_and_may_have_more_columns_later(check: Check) -> None:
    rows = [{"email": "a@example.org", "external_id": 7, "location": {"city": "Köln"}}]
    rows += [{"email": "b@example.org", "tags": ["x"], "location": {"town": "Köln"}}]
    items, rejected, _ = check(rows)
    assert items[0].body == {"email": "a@example.org", "external_id": "7", "location": {"city": "Köln"}}
    assert (rejected[0].where, rejected[0].why) == ("location", "has a property that is not known")
    assert rows[0] == {"email": "a@example.org", "external_id": 7, "location": {"city": "Köln"}}


def test_events_get_their_metric_their_time_and_a_key(check: Check) -> None:
    rows = (
        "email,date,amount,item\na@example.org,2026-01-03 12:00,49.90,Shoe\na@example.org,2026-01-03 12:00,49.90,Shoe\n"
    )
    items, rejected, checking = check(rows, "events", constants={"metric": "Order"}, zone="Europe/Berlin")
    event = items[0].body["event"]
    assert event["metric"] == {"name": "Order"}
    assert event["time"] == "2026-01-03T12:00:00+01:00"
    assert event["value"] == 49.9
    assert items[0].identity == f"event.unique_id={event['unique_id']}"
    assert rejected[0].why == "has the event.unique_id of line 2"
    assert "taken as Europe/Berlin" in " ".join(checking.report.told)


def test_an_item_that_is_too_long_is_rejected(check: Check) -> None:
    items, rejected, _ = check(f"email;text\na@example.org;{'ä' * 52_000}\n")
    assert not items
    assert "longer than 102,400 bytes" in rejected[0].why


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"region": "XX"}, "'XX' is no region"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"duplicates": "newest"}, "no rule 'newest'"),
        ({"constants": {"phone_number": "12"}}, "--set phone_number: the value is not a phone number"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(check: Check, options: Any, says: str) -> None:
    with pytest.raises(SourceProblem, match=says) as caught:
        check("email\na@example.org\n", **options)
    assert caught.value.advice


@pytest.mark.parametrize(
    "hostile",
    ["1" * 100_000 + "x", "1" + " " * 99_000 + "x", "a." * 50_000, "a@" * 50_000],
    ids=["digits", "blanks", "points", "ats"],
)
def test_a_hostile_cell_costs_no_more_than_its_length(check: Check, hostile: str) -> None:
    rows = f"email;phone;date;a\na@example.org;+4917612345678;x;1\n{hostile};{hostile};{hostile};{hostile}\n"
    began = time.perf_counter()
    _, rejected, _ = check(rows, given={"a": "properties.a:number"})
    assert rejected[0].line == 3
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("rule", ["first", "last", "merge", "refuse"])
def test_duplicates_far_apart_are_found(check: Check, rule: str) -> None:
    rows = [{"email": f"p{number % 1500}@example.org", "at": number} for number in range(2000)]
    items, rejected, checking = check(rows, duplicates=rule)
    assert len(items) == 1500
    late = {item.line for item in items if item.line > 1500}
    assert late == (set(range(1501, 2001)) if rule in ("last", "merge") else set())
    assert len(rejected) == checking.report.rejected + checking.report.duplicates == 500
