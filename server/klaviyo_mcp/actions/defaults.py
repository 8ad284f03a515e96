"""What is found in the account for an argument that was left out: the finders that `defaults` in a spec name.

What is taken is told beside the answer. Where several things would do, none is taken.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from klaviyo_mcp.actions.forms import listed
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.settled import Thing
from klaviyo_mcp.klaviyo.errors import NotFound
from klaviyo_mcp.loose_json import JSON, mapping, text

MOST_SHOWN = 5

Look = Callable[[str, JSON], Awaitable[Outcome]]
"""A read, by the action's name and its arguments. Raises what carrying it out does."""


class NotFoundHere(Exception):
    """Nothing in the account can be taken without guessing: what is wrong, and what to do about it."""

    def __init__(self, problem: str, fix: str) -> None:
        """Both as a Problem has them."""
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Default:
    """What a finder looks for, in words, how, and how a caller finds such a thing otherwise."""

    thing: str
    find: Callable[[Look], Awaitable[Thing]]
    otherwise: str


async def revenue_metric(look: Look) -> Thing:
    """The metric that is mapped to revenue, of one's own or not; else the only Placed Order, rather of a shop.

    Raises NotFoundHere.
    """
    for action in ("get_metric_for_mapped_metric", "get_custom_metric_for_mapped_metric"):
        try:
            found = (await look(action, {"id": "revenue"})).records
        except NotFound:
            continue
        if found and found[0].get("id"):
            return Thing(str(found[0]["id"]), f"{found[0].get('name')}, the account's revenue metric")
    # Metrics have no filter by name; a page holds 200, and few accounts have more than two.
    metrics = (await look("get_metrics", {"max_records": 400})).records
    orders = [metric for metric in metrics if text(metric.get("name")).strip().casefold() == "placed order"]
    shops = [metric for metric in orders if _of(metric, "category").casefold() == "ecommerce"]
    match shops or orders:
        case [metric]:
            return Thing(str(metric["id"]), f"Placed Order of {_of(metric, 'name')}, as no metric is mapped to revenue")
        case []:
            raise NotFoundHere("is left out, and the account maps no metric to revenue and has no Placed Order", "")
        case several:
            told = listed([f"{metric['id']} ({_of(metric, 'name')})" for metric in several], MOST_SHOWN)
            raise NotFoundHere(
                "is left out, the account maps no metric to revenue, and several are named Placed Order",
                f"Give the one that is meant: {told}",
            )


def _of(metric: JSON, name: str) -> str:
    return text(mapping(metric.get("integration")).get(name))


DEFAULTS: dict[str, Default] = {
    "revenue_metric": Default(
        "the account's revenue metric",
        revenue_metric,
        "Give the id of a metric: get_metrics lists them with their ids, get_mapped_metrics tells what counts as "
        "revenue",
    ),
}
"""By the names that a spec may state, which `registry.model` lists."""
