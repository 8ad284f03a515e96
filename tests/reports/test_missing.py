"""Reports of which a part could not be read: it is missing, is said to be, and is no zero."""

from collections.abc import Callable, Iterator
from typing import Any

import anyio
import httpx2
import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.reports.view import UNREAD, view_of
from klaviyo_mcp.runtime.answering import answer_call
from klaviyo_sandbox import API_KEY

Ask = Callable[..., JSON]
MESSAGES = {"revenue", "orders", "delivered", "open_rate", "click_rate", "unsubscribe_rate", "spam_rate"}


@pytest.fixture
def ask(sandbox: str, registry: Registry) -> Iterator[Ask]:
    """The answer of an action where every request of an operation fails."""

    def asked(action: str, failing: str, **arguments: Any) -> JSON:
        async def run() -> JSON:
            endpoint = Endpoint(sandbox, pace=False)
            accounts = OneAccount(open_account("shop", endpoint, api_key=API_KEY), endpoint)
            response = await answer_call(Engine(registry), accounts, Call(action, arguments), budget=1_000_000)
            await endpoint.close()
            assert not response.is_error, response.text
            return response.answer.data

        # Klaviyo's 403 is told as it is, and never repeated.
        fault = {"operation": failing, "fault": "html", "status": 403, "count": 100}
        httpx2.post(f"{sandbox}/_sandbox/faults", json=[fault])
        return anyio.run(run)

    yield asked
    httpx2.delete(f"{sandbox}/_sandbox/faults")


@pytest.mark.parametrize(
    ("report", "failing", "sections", "figures"),
    [
        ("weekly_report", "query_campaign_values", {"campaigns"}, MESSAGES),
        ("weekly_report", "query_flow_values", {"flows", "stopped_flows"}, MESSAGES),
        ("weekly_report", "query_metric_aggregates", {"days"}, {"store_orders", "subscribed", "unsubscribed"}),
        (
            "list_health_report",
            "query_metric_aggregates",
            {"over_time", "growth_by_source", "losses"},
            {"subscribed", "email_bounces", "email_complaints"},
        ),
        (
            "list_health_report",
            "get_profiles",
            {"suppressed", "suppressed_complete", "looked_at", "consent_by_channel", "mail_without_consent"},
            set(),
        ),
    ],
)
def test_what_was_not_read_is_missing_from_a_report(
    ask: Ask, report: str, failing: str, sections: set[str], figures: set[str]
) -> None:
    answer = ask(report, failing, period="last_30_days")
    assert answer["not_read"]
    assert sections & answer.keys() == set()
    assert {one["name"] for one in answer.get("figures", [])} & figures == set()
    rules = {look["rule"] for look in answer["worth_a_look"]}
    assert rules.isdisjoint({"quiet", "steady", "health_steady", "no_campaign", "flow_stopped"})
    shown = view_of(report, answer)
    assert {table.none for table in shown.tables if table.name in sections} <= {UNREAD}
    assert any(note.startswith("Not read: ") for note in shown.notes)


def test_what_was_not_read_of_a_person_is_missing(ask: Ask) -> None:
    answer = ask("profile_overview", "get_events", profile="maya.lindqvist@example.org")
    assert answer["found"]
    assert {"orders", "events"} & answer.keys() == set()
    assert answer["not_read"]


def test_what_was_not_looked_through_is_not_said_to_be_absent(ask: Ask) -> None:
    answer = ask("find", "get_lists", text="Gift guide sign-ups", kinds=["list", "tag"])
    assert (answer["found"], bool(answer["not_read"])) == (0, True)
    (note,) = answer["notes"]
    assert note.startswith("Nothing was found in what could be read")
