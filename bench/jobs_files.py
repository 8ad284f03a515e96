"""Files of rows for the benches of jobs, with columns as shops have them, written row by row."""

import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

PEOPLE = "E-Mail Vorname Nachname Telefon Straße PLZ Ort Land Punkte VIP Geburtstag Größe".split()  # noqa: SIM905
ORDERS = ["Email", "Order ID", "Time", "Value", "Currency", "Product", "SKU", "Quantity", "Size", "Source"]
FIRST = ["Anna", "Jürgen", "Zoë", "Max", "Ida", "Noah", "Mia", "Łukasz"]
PRODUCTS = ["Mug, blue", "Shirt", "Poster A2", "Backpack", "Socks", "Lamp"]
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def people(count: int, *, tidy: bool = True) -> Iterator[list[str]]:
    """Profiles; with numbers and days as Klaviyo has them, or as people in Germany write them."""
    chance = random.Random(17)
    for number in range(count):
        first, digits = FIRST[number % len(FIRST)], f"{chance.randrange(10_000_000, 99_999_999)}"
        day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(1950, 2005)
        yield [
            f"{'person' if tidy else 'Person'}.{number}@mail{number % 500}.example.org",
            first,
            f"Name{number % 977}",
            f"+49176{digits}" if tidy else f"0176 {digits}",
            f"Weg {number % 90}",
            f"{number % 90_000 + 10_000}",
            "Köln",
            "DE",
            f"{number % 1000}.5",
            "true" if number % 3 else "false",
            f"{year}-{month:02}-{day:02}" if tidy else f"{day:02}.{month:02}.{year}",
            "SML"[number % 3],
        ]


def orders(count: int, *, tidy: bool = True) -> Iterator[list[str]]:
    """Events, each with an id of its own; with times and amounts as Klaviyo has them, or as people write them."""
    chance = random.Random(18)
    for number in range(count):
        moment = SINCE + timedelta(seconds=number * 20 % 25_000_000)
        amount = f"{chance.randrange(500, 30_000) / 100:.2f}"
        yield [
            f"{'person' if tidy else 'Person'}.{number}@mail{number % 500}.example.org",
            f"order-{number:08}",
            f"{moment:%Y-%m-%dT%H:%M:%SZ}" if tidy else f"{moment:%d.%m.%Y %H:%M}",
            amount if tidy else amount.replace(".", ","),
            "EUR",
            PRODUCTS[number % len(PRODUCTS)],
            f"SKU-{number % 4_000:05}",
            str(number % 5 + 1),
            "SML"[number % 3],
            "shop",
        ]


def write(path: Path, kind: str, count: int, *, tidy: bool = True) -> Path:
    """A CSV of `profiles` or `events`."""
    header, rows = (PEOPLE, people) if kind == "profiles" else (ORDERS, orders)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(header)
        out.writerows(rows(count, tidy=tidy))
    return path
