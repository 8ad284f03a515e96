"""The rarer states in which an agent will meet people, campaigns and flows, so that the demo shop has one of each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from klaviyo_sandbox.behaviour.profiles import OTHER_ADDRESSES
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.people import Person

_DOMAIN = "people.example"
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Role:
    """A person in a certain state; the address is first.last@people.example.

    suppression: the reason for which nothing is sent to them, if any
    texts: whether a phone number is all there is, with consent to texts
    awaiting: whether the newsletter's double opt-in has not been confirmed yet
    left: whether they are suppressed for the newsletter alone
    former: an address that a profile had which was merged into this one
    """

    first: str
    last: str
    suppression: str = ""
    texts: bool = False
    awaiting: bool = False
    left: bool = False
    former: str = ""

    @property
    def email(self) -> str:
        """The address."""
        return f"{self.first}.{self.last}@{_DOMAIN}".lower()


ROLES = (
    Role("Ines", "Moreau", awaiting=True),
    Role("Tom", "Halvorsen", suppression="UNSUBSCRIBE"),
    Role("Priya", "Nair", suppression="SPAM_COMPLAINT"),
    Role("Jonas", "Keller", suppression="HARD_BOUNCE"),
    Role("Rosa", "Delgado", suppression="INVALID_EMAIL"),
    Role("Ada", "Whitlock", suppression="USER_SUPPRESSED"),
    Role("Liam", "Osei", left=True),
    Role("Mei", "Tanaka", texts=True),
    Role("Emil", "Sorensen", former=f"e.sorensen@{_DOMAIN}"),
    Role("Grace", "Okafor"),
)
_TEXTS_NUMBER = "+15035550142"


def cast(people: Sequence[Person]) -> dict[str, Person]:
    """Give the people after the first one their roles, as far as there are enough; address → person."""
    free = list(people[1:])
    chosen: dict[str, Person] = {}
    for role in ROLES:
        # What is bought and reviewed needs an address.
        person = next((person for person in free if not (role.texts and person.orders)), None)
        if person is None:
            continue
        free.remove(person)
        chosen[role.email] = person
        person.body.update(first_name=role.first, last_name=role.last, email=None if role.texts else role.email)
        person.email_consent = role.suppression not in ("", "UNSUBSCRIBE") or role.left or bool(role.former)
        person.sms_consent, person.suppression = role.texts, role.suppression
        if role.texts:
            person.body["phone_number"] = _TEXTS_NUMBER
    return chosen


def finish_cast(ground: Ground, chosen: dict[str, Person], newsletter: str) -> None:
    """What the roles leave behind beside their profiles."""
    account, store = ground.shop.account, ground.store
    for role in ROLES:
        person = chosen.get(role.email)
        if person is None:
            continue
        if role.awaiting:
            consents: Json = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
            entry: Json = {"type": "profile", "attributes": {"email": role.email, "subscriptions": consents}}
            request: Json = {"entry": entry, "list": newsletter, "source": None}
            waiting = (account, role.email, json.dumps(request, sort_keys=True))
            store.run("INSERT INTO pending_consent VALUES (?, ?, ?)", waiting)
        if role.left:
            at = min(person.created + 90 * _DAY, ground.now) * 1_000_000
            store.run(
                "INSERT INTO suppression VALUES (?, ?, ?, ?, ?)", (account, person.id, newsletter, "UNSUBSCRIBE", at)
            )
        if role.former:
            store.link(account, OTHER_ADDRESSES, person.id, [role.former], ground.now * 1_000_000)


# Name, channel, status, days ago, subject or text, template: one for each status that no other campaign has. They stay
# as they are.
CAMPAIGNS = (
    ("Trail map giveaway", "email", "Adding Recipients", 0.01, "Win a trail map", "Monthly newsletter"),
    ("Rain jacket preview", "email", "Sending", 0.02, "Dry in any weather", "Seasonal sale"),
    ("Members' evening", "email", "Sending Segments", 0.03, "An evening at the shop", "Monthly newsletter"),
    ("Candle workshop", "email", "Preparing to send", 0.005, "Pour your own", "Monthly newsletter"),
    ("New year preview", "email", "Preparing to schedule", 0.006, "What is next", "Seasonal sale"),
    ("Snow alert", "email", "Queued without Recipients", 30, "Snow is coming", "Monthly newsletter"),
    ("Subject line test", "email", "Variations Sent", 60, "Which one would you open?", "Monthly newsletter"),
    ("Autumn quiz", "email", "Cancelled", 65, "What do you think?", "Monthly newsletter"),
    ("Harvest market", "email", "Cancelled: Account Disabled", 75, "Come to the market", "Monthly newsletter"),
    ("Loyalty points reminder", "email", "Cancelled: Billing Limit", 82, "Your points", "Monthly newsletter"),
    ("Tent care guide", "email", "Cancelled: Internal Error", 105, "Keep it dry", "Monthly newsletter"),
    ("Boot fitting day", "email", "Cancelled: Misconfigured", 112, "Find your size", "Monthly newsletter"),
    ("Second chance sale", "email", "Cancelled: Smart Sending", 125, "Once more", "Seasonal sale"),
    ("Imported from before", "email", "Unknown", 400, "Hello again", "Monthly newsletter"),
)
# Name, status, trigger type, what triggers it, hours between its emails: one in use for each other kind of trigger.
FLOWS = (
    ("Thanks to regulars", "live", "Added to List", "Repeat customers", (0,)),
    ("Birthday wishes", "live", "Date Based", "date", (0,)),
    ("Price drop alert", "live", "Price Drop", "price-drop", (0,)),
    ("Low stock nudge", "live", "Low Inventory", "low-inventory", (0,)),
)
