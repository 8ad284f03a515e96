"""What jobs do, by Klaviyo's own SDK in the plain way: `python jobs_sdk.py WHAT URL FILE`.

WHAT is `import-profiles`, `import-events` or `export`. A loop over the rows of a CSV, in chunks as large as Klaviyo
takes, each sent and waited for; pages one after the other.
What the SDK does about 429s by itself is all that is done.
"""

import csv
import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from klaviyo_api import KlaviyoAPI

JSON = dict[str, Any]
PROFILES, EVENTS, PAGE = 10_000, 1_000, 1_000


def main(what: str, url: str, file: str) -> None:
    klaviyo = KlaviyoAPI("pk_sdk", test_host=url)
    if what == "export":
        export(klaviyo, file)
        return
    with Path(file).open(newline="", encoding="utf-8") as rows:
        (import_profiles if what == "import-profiles" else import_events)(klaviyo, csv.DictReader(rows))


def import_profiles(klaviyo: Any, rows: Iterator[dict[str, str]]) -> None:
    jobs: list[str] = []
    for chunk in chunks(map(profile, rows), PROFILES):
        attributes = {"profiles": {"data": chunk}}
        body = {"data": {"type": "profile-bulk-import-job", "attributes": attributes}}
        jobs.append(as_json(klaviyo.Profiles.bulk_import_profiles(body))["data"]["id"])
    for job in jobs:
        while (found := as_json(klaviyo.Profiles.get_bulk_import_profiles_job(job))["data"]["attributes"]) and (
            found["status"] not in ("complete", "cancelled")
        ):
            time.sleep(5)


def import_events(klaviyo: Any, rows: Iterator[dict[str, str]]) -> None:
    for chunk in chunks(map(event, rows), EVENTS):
        attributes = {"events-bulk-create": {"data": chunk}}
        klaviyo.Events.bulk_create_events({"data": {"type": "event-bulk-create-job", "attributes": attributes}})


def export(klaviyo: Any, file: str) -> None:
    cursor: str | None = None
    with Path(file).open("w", encoding="utf-8") as out:
        while True:
            page = as_json(klaviyo.Events.get_events(sort="datetime", page_cursor=cursor, page_size=PAGE))
            out.writelines(
                f"{json.dumps({'id': one['id'], **one['attributes']}, default=str)}\n" for one in page["data"]
            )
            if not (rest := page["links"].get("next")):
                return
            cursor = parse_qs(urlsplit(rest).query)["page[cursor]"][0]


def profile(row: dict[str, str]) -> JSON:
    location = {"address1": row["Straße"], "zip": row["PLZ"], "city": row["Ort"], "country": row["Land"]}
    own = {"Punkte": float(row["Punkte"]), "VIP": row["VIP"] == "true"}
    own |= {"Geburtstag": row["Geburtstag"], "Größe": row["Größe"]}
    attributes = {
        "email": row["E-Mail"],
        "first_name": row["Vorname"],
        "last_name": row["Nachname"],
        "phone_number": row["Telefon"],
        "location": location,
        "properties": own,
    }
    return {"type": "profile", "attributes": attributes}


def event(row: dict[str, str]) -> JSON:
    own = {"Product": row["Product"], "SKU": row["SKU"], "Quantity": int(row["Quantity"])}
    own |= {"Size": row["Size"], "Source": row["Source"]}
    one = {
        "properties": own,
        "time": row["Time"],
        "value": float(row["Value"]),
        "value_currency": row["Currency"],
        "unique_id": row["Order ID"],
        "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
    }
    of = {"data": {"type": "profile", "attributes": {"email": row["Email"]}}}
    attributes = {"backfill": True, "profile": of, "events": {"data": [{"type": "event", "attributes": one}]}}
    return {"type": "event-bulk-create", "attributes": attributes}


def chunks(rows: Iterator[JSON], size: int) -> Iterator[list[JSON]]:
    return iter(lambda: list(islice(rows, size)), [])


def as_json(answer: Any) -> JSON:
    """An answer of the SDK, which is a model of its own or a dictionary."""
    dump: Callable[[], JSON] | None = getattr(answer, "to_dict", None)
    return dump() if dump else answer


if __name__ == "__main__":
    main(*sys.argv[1:])
