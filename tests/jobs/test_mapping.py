"""Which column goes where: by what is given, by names, by values, and what is asked for instead of guessed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from klaviyo_mcp.jobs.kind import item_schema, load_kinds
from klaviyo_mcp.jobs.mapping import Mapping, suggested
from klaviyo_mcp.jobs.rows import SourceProblem
from klaviyo_mcp.jobs.source import source_of_rows
from klaviyo_mcp.registry.registry import Registry

Map = Callable[..., Mapping]


@pytest.fixture
def mapped(registry: Registry) -> Map:
    def run(
        *rows: dict[str, Any],
        kind: str = "profiles",
        given: dict[str, str] | None = None,
        constants: dict[str, Any] | None = None,
        **options: str,
    ) -> Mapping:
        source, of = source_of_rows(list(rows)), load_kinds()[kind]
        schema = item_schema(of, registry)
        return suggested(of, schema, source.columns, source.sample, given or {}, constants or {}, **options)

    return run


@pytest.mark.parametrize(
    ("column", "place"),
    [
        ("E-Mail", "email"),
        ("EMAIL_ADDRESS", "email"),
        ("Correo electrónico", "email"),
        ("Adresse e-mail", "email"),
        ("メール", "email"),
    ],
)
def test_the_address_is_known_in_many_languages(mapped: Map, column: str, place: str) -> None:
    assert mapped({column: "a@example.org"}).columns == {column: place}


@pytest.mark.parametrize(
    ("column", "place"),
    [
        ("Handynummer", "phone_number"),
        ("Téléphone", "phone_number"),
        ("Vorname", "first_name"),
        ("Apellidos", "last_name"),
        ("Straße", "location.address1"),
        ("PLZ", "location.zip"),
        ("ville", "location.city"),
        ("País", "location.country"),
        ("location.city", "location.city"),
        ("Customer ID", "external_id"),
        ("Lieblingsfarbe", "properties.Lieblingsfarbe"),
        ("a.b", "properties.a.b"),
        ("location", "properties.location"),
    ],
)
def test_names_lead_to_places_and_what_is_unknown_to_custom_properties(mapped: Map, column: str, place: str) -> None:
    assert mapped({"email": "a@example.org", column: "x"}).columns[column] == place


def test_what_is_given_comes_first_and_everything_is_told(mapped: Map) -> None:
    row = {"Mail": "a@example.org", "Ort": "Köln", "Rang": "3", "Notiz": "x", "Nr": "17"}
    given = {"Ort": "properties.place", "Notiz": "", "Rang": "properties.rank:text"}
    found = mapped(row, given=given, constants={"source": "expo", "Land": "DE", "year": "2026", "zip": '"01067"'})
    assert found.columns == {
        "Mail": "email",
        "Ort": "properties.place",
        "Rang": "properties.rank",
        "Notiz": "",
        "Nr": "properties.Nr",
    }
    assert found.constants == {
        "properties.source": "expo",
        "properties.Land": "DE",
        "properties.year": 2026,
        "location.zip": "01067",
    }
    assert found.readings["Rang"] == "text"
    assert "Nr" not in found.readings  # digits of a number that is a name are no amount
    assert "'Mail' → email" in found.told[0]
    assert "Left out: 'Notiz'" in " ".join(found.told)


def test_values_tell_the_address_where_no_name_does(mapped: Map) -> None:
    found = mapped({"A": "a@example.org", "B": "+49 176 12345678", "C": "x"})
    assert found.columns == {"A": "email", "B": "phone_number", "C": "properties.C"}
    assert "by its values" in " ".join(found.told)


@pytest.mark.parametrize(
    ("row", "given", "says"),
    [
        ({"mail": "a@example.org", "courriel": "b@example.org"}, {}, "are called like email"),
        ({"Email": "a@example.org", "E-Mail": "b@example.org"}, {}, "are called like email"),
        ({"email": "a@example.org", "mail": "b@example.org"}, {}, "are called like email"),
        ({"A": "a@example.org", "B": "b@example.org"}, {}, "look like email"),
        ({"email": "a@example.org", "id": "17"}, {}, "'id' is called like id, and its values are none"),
        ({"A": "x", "B": "y"}, {}, "No column is known for id or email"),
        ({"email": "a@example.org"}, {"emial": "email"}, "Did you mean 'email'"),
        ({"email": "a@example.org", "B": "x"}, {"B": "frist_name"}, "Did you mean 'first_name'"),
        ({"email": "a@example.org", "B": "x"}, {"B": "title", "email": "title"}, "go to title"),
        ({"email": "a@example.org", "B": "x"}, {"B": "properties.B:colour"}, "cannot be read as 'colour'"),
    ],
)
def test_what_would_be_a_guess_is_asked_for(mapped: Map, row: dict[str, str], given: Any, says: str) -> None:
    with pytest.raises(SourceProblem, match=says) as caught:
        mapped(row, given=given)
    assert caught.value.advice


def test_days_that_can_be_read_in_two_ways_are_asked_for_where_a_place_needs_a_time(mapped: Map) -> None:
    row = {"email": "a@example.org", "metric": "Order", "date": "03/04/2026"}
    with pytest.raises(SourceProblem, match="read in two ways"):
        mapped(row, kind="events")
    assert mapped(row, kind="events", dates="day-first").readings["date"] == "day-first"
    assert "sent as text" in " ".join(mapped({"email": "a@example.org", "day": "03/04/2026"}).told)


def test_columns_of_events_go_to_the_event_or_its_person(mapped: Map) -> None:
    row = {"email": "a@example.org", "Order ID": "17", "date": "2026-01-03", "amount": "49.90", "item": "Shoe"}
    found = mapped(row, kind="events", constants={"metric": "Order"})
    assert found.columns == {
        "email": "profile.email",
        "Order ID": "event.unique_id",
        "date": "event.time",
        "amount": "event.value",
        "item": "event.properties.item",
    }
    with pytest.raises(SourceProblem, match=r"event\.metric\.name"):
        mapped(row, kind="events")


def test_a_kind_without_room_for_unknown_columns_asks_and_leaves_them_out_when_told(mapped: Map) -> None:
    row = {"email": "a@example.org", "Ort": "Köln", "x": "1"}
    with pytest.raises(SourceProblem, match="Nothing takes the columns 'Ort', 'x'") as caught:
        mapped(row, kind="suppress")
    assert "--map '*='" in caught.value.advice
    assert mapped(row, kind="suppress", given={"*": ""}).columns == {"email": "email", "Ort": "", "x": ""}


def test_every_kind_has_places_for_what_names_its_rows(registry: Registry, mapped: Map) -> None:
    values = {"email": "a@example.org", "phone_number": "+4917612345678", "id": "01GDDKASAP8TKDDA2GRZDSVP4H"}
    for name, kind in load_kinds().items():
        for way in kind.identity:
            row = {place.rpartition(".")[2]: values.get(place, "x") for place in way.split("+")}
            needed = item_schema(kind, registry).get("required", [])
            others = {"email": "a@example.org", "metric": "Order"} if "event" in needed else dict.fromkeys(needed, "x")
            found = mapped({**others, **row}, kind=name)
            assert set(found.columns.values()) >= set(way.split("+")), name


def _headers() -> Iterator[tuple[str, str, bool, dict[str, str]]]:
    for part in (Path(__file__).parent / "headers.txt").read_text("utf-8").split("\n\n")[1:]:
        title, *lines = part.splitlines()
        name, kind, *asks = title.split(" / ")
        yield (
            name,
            kind,
            bool(asks),
            {column: place for column, _, place in (line.strip().partition(" > ") for line in lines)},
        )


VALUES = {
    "email": "ada@example.org",
    "phone_number": "+4917612345678",
    "time": "2026-01-03T10:00:00Z",
    "consented_at": "2026-01-03T10:00:00Z",
    "id": "01KET8DS6QB8ABMMX70E0SX0EK",
    "latitude": "12.5",
    "longitude": "12.5",
    "value": "12.50",
    "price": "12.50",
}
"""What a column has in its first row, by the last part of its place; other values do not matter."""


@pytest.mark.parametrize(("kind", "asks", "headers"), [pytest.param(*rest, id=name) for name, *rest in _headers()])
def test_headers_of_real_files_go_where_they_belong(
    mapped: Map, kind: str, asks: bool, headers: dict[str, str]
) -> None:
    leaves = {
        column: "email" if column.endswith("email") else place.rpartition(".")[2] for column, place in headers.items()
    }
    row = {column: VALUES.get(leaf, "4711") for column, leaf in leaves.items()}
    if asks:
        with pytest.raises(SourceProblem, match=r"called like|look like|No column is known for event"):
            mapped(row, kind=kind)
        return
    found = mapped(row, kind=kind).columns
    unknown = load_kinds()[kind].unknown + "."
    assert {column: "" if place.startswith(unknown) else place for column, place in found.items()} == headers
