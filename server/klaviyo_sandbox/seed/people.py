"""The customers of a demo shop: who they are, where they live, and how well they buy."""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random

from klaviyo_sandbox.behaviour.profiles import blank_profile
from klaviyo_sandbox.behaviour.text_messages import in_region
from klaviyo_sandbox.clock import iso
from klaviyo_sandbox.identifiers import IdForm, new_identifier
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.tables import CITIES, EMAIL_DOMAINS, FIRST_NAMES, LAST_NAMES, City, Shop

DAYS = 365
# Identifiers that begin with a moment are dated from here, so that they depend on the seed and not on the clock.
_ANCHOR = datetime(2026, 7, 15, tzinfo=UTC)
# Share of a year's orders per month and of a week's per day: gifts in winter, trips in early summer, quiet Saturdays.
_MONTHS = (0.8, 0.7, 0.8, 0.9, 1.1, 1.2, 1.0, 0.9, 0.9, 1.0, 1.6, 1.9)
_WEEKDAYS = (1.0, 1.05, 1.0, 1.1, 1.0, 0.7, 1.25)
_HOURS = (1, 1, 0, 0, 0, 1, 2, 4, 6, 7, 7, 8, 9, 8, 7, 7, 7, 8, 9, 10, 11, 9, 5, 2)


@dataclass(slots=True)
class Person:
    """A customer while the seed is being made."""

    id: str
    body: Json
    created: int
    orders: list[int] = field(default_factory=list[int])
    email_consent: bool = False
    sms_consent: bool = False
    suppression: str = ""
    spent: float = 0.0

    @property
    def email(self) -> str:
        """The address."""
        return self.body["email"]


class Calendar:
    """Draws moments of the past year the way a shop's orders fall, in seconds since 1970."""

    def __init__(self, now: datetime) -> None:
        """The year up to `now`."""
        self.now = int(now.timestamp())
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        self._first = int((midnight - timedelta(days=DAYS - 1)).timestamp())
        days = (midnight - timedelta(days=DAYS - 1 - number) for number in range(DAYS))
        # The shop grows by half over the year.
        weights = (_MONTHS[day.month - 1] * _WEEKDAYS[day.weekday()] * (1 + n / DAYS / 2) for n, day in enumerate(days))
        self._days = list(accumulate(weights))
        self._hours = list(accumulate(_HOURS))

    def moment(self, random: Random) -> int:
        """A moment between a year ago and now."""
        day = bisect(self._days, random.random() * self._days[-1])
        hour = bisect(self._hours, random.random() * self._hours[-1])
        moment = self._first + day * 86400 + hour * 3600 + random.randrange(3600)
        # What would still be to come today is put into yesterday.
        return moment if moment <= self.now else moment - 86400


def make_id(random: Random, form: IdForm, age_days: float = 0.0) -> str:
    """An identifier of some form, for something `age_days` old."""
    return new_identifier(form, random.randbytes(16), _ANCHOR - timedelta(days=age_days))


def make_people(random: Random, shop: Shop, count: int, calendar: Calendar) -> list[Person]:
    """`count` customers. The first is always Maya Lindqvist, whom demos look for."""
    cities = random.choices(CITIES, [city.weight for city in CITIES], k=count)
    domains = random.choices([name for name, _ in EMAIL_DOMAINS], [weight for _, weight in EMAIL_DOMAINS], k=count)
    emails: set[str] = set()
    phones: set[str] = set()
    people: list[Person] = []
    for number in range(count):
        first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
        # Two in five never bought; most others buy a few times a year, some often.
        orders = 0 if random.random() < 0.4 else min(1 + int(random.expovariate(0.5)), 14)
        city, domain, reachable = cities[number], domains[number], random.random() < 0.45
        if number == 0:
            first, last, orders, city, domain, reachable = "Maya", "Lindqvist", 7, CITIES[0], "example.org", True
        email = _unused_email(f"{first}.{last}".lower(), domain, emails)
        phone = _unused_phone(random, city, phones) if reachable else None
        person = _person(random, calendar, orders, city)
        person.body.update(
            email=email,
            phone_number=phone,
            external_id=f"{shop.account[0].lower()}c-{10000 + number}",
            first_name=first,
            last_name=last,
        )
        _consent(random, person)
        if number == 0:
            person.email_consent, person.sms_consent, person.suppression = True, True, ""
        people.append(person)
    return people


def _person(random: Random, calendar: Calendar, orders: int, city: City) -> Person:
    moments = sorted(calendar.moment(random) for _ in range(orders))
    oldest = moments[0] if moments else calendar.now - random.randrange(540 * 86400)
    created = oldest - random.randrange(3600, 90 * 86400)
    body = blank_profile(iso(datetime.fromtimestamp(created, UTC)))
    body["locale"] = city.locale
    body["location"] = {
        **body["location"],
        "city": city.name,
        "region": city.region,
        "country": city.country,
        "zip": city.zip,
        "timezone": city.timezone,
        "latitude": round(city.latitude + random.uniform(-0.05, 0.05), 4),
        "longitude": round(city.longitude + random.uniform(-0.05, 0.05), 4),
    }
    return Person(make_id(random, "ulid", random.uniform(0, 700)), body, created, moments)


def _consent(random: Random, person: Person) -> None:
    person.email_consent = random.random() < 0.65
    phone: str | None = person.body["phone_number"]
    # Where the shop has no number to send from, nobody could have agreed to texts.
    person.sms_consent = phone is not None and random.random() < 0.5 and in_region(phone)
    fate = random.random()
    for reason, share in _SUPPRESSIONS:
        if fate < share:
            person.suppression = reason
            return
        fate -= share


_SUPPRESSIONS: Sequence[tuple[str, float]] = (
    ("UNSUBSCRIBE", 0.06),
    ("HARD_BOUNCE", 0.02),
    ("USER_SUPPRESSED", 0.01),
    ("SPAM_COMPLAINT", 0.012),
)


def _unused_email(name: str, domain: str, taken: set[str]) -> str:
    email, number = f"{name}@{domain}", 2
    while email in taken:
        email, number = f"{name}{number}@{domain}", number + 1
    taken.add(email)
    return email


def _unused_phone(random: Random, city: City, taken: set[str]) -> str:
    # The longer the prefix, the fewer digits follow; ten after the plus sign's country code is enough everywhere.
    digits = max(4, 12 - len(city.dialling))
    while True:
        phone = f"{city.dialling}{random.randrange(10**digits):0{digits}d}"
        if phone not in taken:
            taken.add(phone)
            return phone
