"""How people of a demo shop came to be subscribed: by a form, at the checkout, or by their preferences."""

from collections.abc import Iterator, Sequence

from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.past import past_event
from klaviyo_sandbox.seed.people import Person

_METHODS = ("Form", "Form", "Checkout", "Form", "Preference Page", "Checkout", "API")


def make_signups(ground: Ground, people: Sequence[Person], metrics: dict[str, str]) -> None:
    """A subscription to email, and one to the newsletter, of each person who has consented."""
    events = (event for number, person in enumerate(people) for event in _events(number, person, metrics))
    ground.store.insert_many(ground.shop.account, "event", events, ignore=True)


def _events(number: int, person: Person, metrics: dict[str, str]) -> Iterator[tuple[str, Json]]:
    if not person.email_consent:
        return
    told: tuple[tuple[str, Json], ...] = (
        ("Subscribed to Email Marketing", {"Method": _METHODS[number % len(_METHODS)]}),
        ("Subscribed to List", {"List": "Newsletter"}),
    )
    for metric, properties in told:
        unique = f"{metric}:{person.id}"
        yield past_event(person.id, metrics[metric], person.created + 40, unique, properties, unique)
