"""The marketing side of a demo shop: lists, segments, templates, flows and tags."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from random import Random

from klaviyo_sandbox.behaviour.flows import EMAIL_DEFAULTS
from klaviyo_sandbox.clock import exact, iso
from klaviyo_sandbox.identifiers import IdForm
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.people import Person, make_id
from klaviyo_sandbox.seed.tables import Shop
from klaviyo_sandbox.storage.store import Store

_DAY = 86400


@dataclass(slots=True)
class Ground:
    """What making one shop needs at every step."""

    store: Store
    shop: Shop
    random: Random
    now: int

    def ago(self, days: float) -> str:
        """That many days before the present, as attributes show it."""
        return iso(datetime.fromtimestamp(self.now - days * _DAY, UTC))

    def written(self, days: float) -> str:
        """The same for what Klaviyo dates to the microsecond: with a fraction, always the same for the same days."""
        fraction = int.from_bytes(blake2b(f"{self.shop.account}:{days}".encode(), digest_size=4).digest()) % 10**6
        return exact(datetime.fromtimestamp(int(self.now - days * _DAY), UTC).replace(microsecond=fraction))

    def add(self, kind: str, body: Json, form: IdForm = "six", age: float = 0.0) -> str:
        """Store a resource and return its id."""
        identifier = make_id(self.random, form, age)
        self.store.insert(self.shop.account, kind, identifier, body)
        return identifier

    def group(self, relation: str, group: str, people: Sequence[Person], when: Callable[[Person], int]) -> None:
        """Put people into a list or segment, each as of their own moment (seconds since 1970)."""
        rows = ((self.shop.account, relation, group, person.id, when(person) * 1_000_000) for person in people)
        self.store.run_many("INSERT INTO link VALUES (?, ?, ?, ?, ?)", rows)


def make_lists(ground: Ground, people: Sequence[Person]) -> dict[str, str]:
    """The lists and who is on them; name → id."""
    ids: dict[str, str] = {}
    random = ground.random
    members: dict[str, tuple[str, float, list[Person]]] = {
        "Newsletter": ("double_opt_in", 900, [person for person in people if person.email_consent]),
        "VIP customers": ("single_opt_in", 610, [person for person in people if len(person.orders) >= 4]),
        "SMS subscribers": ("single_opt_in", 420, [person for person in people if person.sms_consent]),
        "Back in stock": ("single_opt_in", 300, [person for person in people if random.random() < 0.08]),
        "Gift guide sign-ups": ("double_opt_in", 340, [person for person in people if random.random() < 0.12]),
        "Spring pop-up (empty)": ("single_opt_in", 12, []),
    }
    for name, (opt_in, age, joined) in members.items():
        body: Json = {
            "name": name,
            "opt_in_process": opt_in,
            "created": ground.ago(age),
            "updated": ground.ago(age / 9),
        }
        ids[name] = ground.add("list", body)
        ground.group("list.profiles", ids[name], joined, lambda person: min(person.created + 600, ground.now))
    return ids


def make_segments(
    ground: Ground, people: Sequence[Person], metrics: dict[str, str], lists: dict[str, str]
) -> dict[str, str]:
    """The segments and who is in them; name → id. Membership stays as it is made here."""
    ordered = metrics["Placed Order"]
    recent = ground.now - 90 * _DAY
    found: dict[str, tuple[Json, list[Person]]] = {
        "Repeat customers": (_bought(ordered, "greater-than-or-equal", 2), [p for p in people if len(p.orders) >= 2]),
        "Bought in the last 90 days": (
            _bought(ordered, "greater-than-or-equal", 1, days=90),
            [p for p in people if p.orders and p.orders[-1] >= recent],
        ),
        "Lapsed customers": (
            _bought(ordered, "equals", 0, days=180),
            [p for p in people if p.orders and p.orders[-1] < ground.now - 180 * _DAY],
        ),
        "Newsletter, never bought": (
            {
                "type": "profile-group-membership",
                "is_member": True,
                "group_ids": [lists["Newsletter"]],
            },
            [p for p in people if p.email_consent and not p.orders],
        ),
        "Big spenders": (_bought(ordered, "greater-than", 500, measure="sum"), [p for p in people if p.spent > 500]),
    }
    ids: dict[str, str] = {}
    for number, (name, (condition, members)) in enumerate(found.items()):
        groups: list[Json] = [{"conditions": [condition]}]
        if name == "Lapsed customers":
            groups.append({"conditions": [_bought(ordered, "greater-than-or-equal", 1)]})
        if name == "Newsletter, never bought":
            groups.append({"conditions": [_bought(ordered, "equals", 0)]})
        body: Json = {
            "name": name,
            "definition": {"condition_groups": groups},
            "created": ground.ago(500 - 40 * number),
            "updated": ground.ago(3 + number),
            "is_active": True,
            "is_processing": False,
            "is_starred": name == "Repeat customers",
        }
        ids[name] = ground.add("segment", body)
        ground.group("segment.profiles", ids[name], members, lambda person: min(person.created + _DAY, ground.now))
    return ids


def make_templates(ground: Ground) -> dict[str, str]:
    """The templates; name → id."""
    ids: dict[str, str] = {}
    shop = ground.shop
    for number, (name, editor, heading) in enumerate(_TEMPLATES):
        html = (
            f"<!DOCTYPE html><html><head><title>{name}</title></head><body><h1>{heading}</h1>"
            f"<p>Hello {{{{ first_name|default:'there' }}}},</p><p>With love from {shop.name}.</p>"
            f"<p>{{% unsubscribe %}}</p></body></html>"
        )
        body: Json = {
            "name": name,
            "editor_type": editor,
            "html": html,
            "text": f"{heading}\n\nWith love from {shop.name}.",
            "amp": None,
            "created": ground.ago(420 - 30 * number),
            "updated": ground.ago(60 - 5 * number),
            "definition": _definition(heading) if editor == "SYSTEM_DRAGGABLE" else None,
        }
        ids[name] = ground.add("template", body)
    return ids


def make_flows(
    ground: Ground,
    groups: Mapping[str, Mapping[str, str]],
    templates: dict[str, str],
    flows: Sequence[tuple[str, str, str, str, Sequence[int]]],
) -> dict[str, str]:
    """The flows of such a table with their actions, and what triggers them; name → id.

    groups: by kind, what can trigger a flow: name → id
    """
    ids: dict[str, str] = {}
    for number, (name, status, trigger_type, trigger, delays) in enumerate(flows):
        kind = next((kind for kind, named in groups.items() if trigger in named), "")
        target = groups[kind][trigger] if kind else None
        other = _OTHER_TRIGGERS.get(trigger)
        created, updated = ground.ago(600 - 50 * number), ground.ago(40 - 4 * number)
        actions = _actions(ground, name, delays, list(templates.values()))
        definition: Json = {
            "triggers": [{"type": kind, "id": target}] if kind else [other] if other else [],
            "profile_filter": None,
            "actions": actions,
            "entry_action_id": actions[0]["id"],
            "reentry_criteria": None,
        }
        body: Json = {
            "name": name,
            "status": status,
            "archived": name == "Summer sale reminder",
            "created": created,
            "updated": updated,
            "trigger_type": trigger_type,
            "definition": definition,
        }
        ids[name] = ground.add("flow", body)
        for action in actions:
            stored: Json = {"created": created, "updated": updated, "definition": action, "_flow_id": ids[name]}
            ground.store.insert(ground.shop.account, "flow-action", action["id"], stored)
        if target is not None:
            ground.store.link(ground.shop.account, f"{kind}.flow-triggers", target, [ids[name]], ground.now * 1_000_000)
    return ids


def make_tags(ground: Ground, tagged: dict[str, dict[str, Sequence[str]]]) -> None:
    """Tags in two groups, and what each is on: name → relation → ids."""
    groups = {
        "Ungrouped Tags": ground.add(
            "tag-group", {"name": "Ungrouped Tags", "exclusive": False, "default": True}, "uuid"
        ),
        "Season": ground.add("tag-group", {"name": "Season", "exclusive": True, "default": False}, "uuid"),
    }
    for name, relations in tagged.items():
        group = groups["Season" if name in ("Winter", "Summer") else "Ungrouped Tags"]
        tag = ground.add("tag", {"name": name, "_tag_group_id": group}, "uuid")
        for relation, targets in relations.items():
            ground.store.link(ground.shop.account, f"tag.{relation}", tag, targets, ground.now * 1_000_000)


_TEMPLATES = (
    ("Monthly newsletter", "SYSTEM_DRAGGABLE", "News from the woods"),
    ("Welcome, first email", "USER_DRAGGABLE", "Welcome"),
    ("Abandoned cart reminder", "USER_DRAGGABLE", "You left something behind"),
    ("Order thank-you", "CODE", "Thank you for your order"),
    ("Seasonal sale", "SYSTEM_DRAGGABLE", "The sale is on"),
    ("Back in stock notice", "CODE", "It is back"),
)
# Name, status, trigger type, what triggers it, hours between its emails.
FLOWS: tuple[tuple[str, str, str, str, Sequence[int]], ...] = (
    ("Welcome series", "live", "Added to List", "Newsletter", (0, 72, 168)),
    ("Abandoned cart", "live", "Metric", "Started Checkout", (4, 20)),
    ("Order thank-you", "live", "Metric", "Placed Order", (1,)),
    ("Browse abandonment", "manual", "Metric", "Viewed Product", (6,)),
    ("Win-back", "draft", "Metric", "Placed Order", (24 * 120, 24 * 14)),
    ("Summer sale reminder", "draft", "Added to List", "Gift guide sign-ups", (48,)),
    ("Birthday treat", "draft", "Date Based", "", (0,)),
)
_OTHER_TRIGGERS: Mapping[str, Json] = {
    "date": {
        "type": "date",
        "date_field_type": "profile-property",
        "date_profile_property": "Birthday",
        "timedelta_unit_before_date": "days",
        "timedelta_value_before_date": 0,
        "recurrence_frequency": "annually",
        "timezone": "profile",
        "trigger_time": "09:00:00",
        "trigger_days": None,
    },
    "price-drop": {
        "type": "price-drop",
        "trigger_filter": None,
        "price_drop_amount_value": 10,
        "price_drop_amount_unit": "percent",
        "audience": ["viewed"],
        "timeframe_days": 30,
        "currency_type": "usd",
    },
    "low-inventory": {
        "type": "low-inventory",
        "product_level": "product",
        "trigger_filter": None,
        "inventory_count": 5,
        "audience": ["viewed", "added-to-cart"],
        "timeframe_days": 30,
    },
}


def _bought(metric: str, operator: str, value: float, *, measure: str = "count", days: int = 0) -> Json:
    timeframe: Json = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": days}
    return {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": measure,
        "measurement_filter": {"type": "numeric", "operator": operator, "value": value},
        "timeframe_filter": timeframe if days else {"type": "date", "operator": "alltime"},
        "metric_filters": None,
    }


def _definition(heading: str) -> Json:
    text: Json = {"content": f"<h1>{heading}</h1>", "display_options": {"show_on": "all"}, "styles": {}}
    block: Json = {"content_type": "block", "type": "text", "data": text}
    row: Json = {"data": {"styles": {"column_layout": "1-column-full-width"}}, "columns": [{"blocks": [block]}]}
    section: Json = {
        "content_type": "section",
        "type": "section",
        "data": {"properties": {}, "display_options": {"show_on": "all"}, "styles": {}},
        "rows": [row],
    }
    body: Json = {
        "properties": {"css_class": None},
        "styles": {"background_color": "#f6f3ec", "width": 600},
        "sections": [section],
    }
    return {"body": body, "styles": []}


def _actions(ground: Ground, flow: str, delays: Sequence[int], templates: Sequence[str]) -> list[Json]:
    """A delay and an email for each step, chained."""
    steps: list[Json] = []
    for number, hours in enumerate(delays):
        if hours:
            delay: Json = {
                "unit": "hours",
                "value": hours,
                "secondary_value": 0,
                "timezone": "profile",
                "delay_until_time": None,
            }
            steps.append({"id": ground.store.next_rising(), "type": "time-delay", "data": delay, "links": {}})
        email: Json = {
            "message": {
                "id": make_id(ground.random, "six"),
                "from_email": ground.shop.sender,
                "from_label": ground.shop.name,
                "subject_line": f"{flow}, part {number + 1}",
                "preview_text": "",
                "template_id": templates[(number + 1) % len(templates)],
                **EMAIL_DEFAULTS,
                "name": f"{flow} #{number + 1}",
            },
            "status": "live",
        }
        steps.append({"id": ground.store.next_rising(), "type": "send-email", "data": email, "links": {}})
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        step["links"] = {"next": following["id"] if following else None}
    return steps
