"""What visitors of a demo shop did with its forms, on the day they first came."""

from collections.abc import Iterator, Sequence

from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.past import past_event
from klaviyo_sandbox.seed.people import Person

# What somebody who is sent no email did, and somebody who is: the metric, and how many seconds after coming.
_LEFT = (("Qualified Form", 4), ("Viewed Form", 5), ("Viewed Form Step", 5), ("Closed Form", 11))
_SIGNED_UP = (
    ("Qualified Form", 4),
    ("Viewed Form", 5),
    ("Viewed Form Step", 5),
    ("Submitted Form Step", 24),
    ("Submitted Form", 25),
)


def make_form_events(ground: Ground, people: Sequence[Person], metrics: dict[str, str]) -> None:
    """The events of the forms that are in the store, each person's with one of them."""
    sql = """
        SELECT f.id, v.id, json_extract(f.body, '$.name') FROM form AS f
        JOIN form_version AS v ON v.account = f.account AND v.form_id = f.id
        WHERE f.account = ? AND json_extract(v.body, '$.status') = 'live' ORDER BY f.id, v.id"""
    forms = [(form, version, name) for form, version, name in ground.store.rows(sql, (ground.shop.account,))]
    if forms:
        events = (event for number, person in enumerate(people) for event in _events(forms, number, person, metrics))
        ground.store.insert_many(ground.shop.account, "event", events, ignore=True)


def _events(
    forms: Sequence[tuple[str, str, str]], number: int, person: Person, metrics: dict[str, str]
) -> Iterator[tuple[str, Json]]:
    # Of those who never did anything later, no visit is known either.
    if number % 3 == 0 or person.body["last_event_date"] is None:
        return
    form, version, name = forms[number % len(forms)]
    for metric, seconds in _SIGNED_UP if person.email_consent else _LEFT:
        at = person.created + seconds
        unique = f"{form}:{metric}"
        properties: Json = {"form_id": form, "form_version_id": version, "form_name": name}
        yield past_event(person.id, metrics[metric], at, unique, properties, f"{unique}:{person.id}")
