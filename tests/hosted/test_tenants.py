"""Fifty grants of ten companies at one service, used in any order and at the same time: nothing crosses."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.hosted.driving import App, Browser, new_app
from tests.hosted.in_process import listening
from tests.hosted.many_companies import MARK, ManyCompanies, company, list_id, named
from tests.hosted.processes import free_port, one_instance

GRANTS, COMPANIES = 50, 10
REPORT = {"timeframe": {"key": "last_30_days"}, "statistics": ["opens"], "conversion_metric_id": "ABC123"}


@dataclass(repr=False)
class Session:
    """One grant: the client that has it, and what it was told that others must not be able to use."""

    app: App
    company: str
    cursors: list[str] = field(default_factory=list)
    confirmations: list[tuple[str, str]] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)


class Service:
    """No dataclass: hypothesis would print all of it for each example."""

    def __init__(self, url: str, klaviyo: ManyCompanies, sessions: list[Session]) -> None:
        self.url, self.klaviyo, self.sessions = url, klaviyo, sessions


@pytest.fixture(scope="module")
def service(tmp_path_factory: Any) -> Iterator[Service]:
    """A process of its own: what runs jobs draws random numbers, which hypothesis holds against the tests."""
    port = free_port()
    klaviyo = ManyCompanies(f"http://127.0.0.1:{port}")
    home = tmp_path_factory.mktemp("tenants")
    with listening(klaviyo.app, port), one_instance(klaviyo, home, KLAVIYO_MCP_QUOTA="on") as (url, _):
        client_id = new_app(url).client_id

        with ThreadPoolExecutor(4) as pool:
            sessions = list(pool.map(lambda number: connected(url, client_id, number % COMPANIES), range(GRANTS)))
        yield Service(url, klaviyo, sessions)


def connected(url: str, client_id: str, number: int) -> Session:
    """A new grant of the company of this number."""
    return Session(App(url, client_id).connected(company(number)), company(number))


def only_of(whose: str, answer: Any) -> dict[str, Any]:
    """A tool's structured answer, once it is known to name no other company and no token of Klaviyo's."""
    assert answer.status_code == 200, answer.text
    everything = f"{answer.text} {dict(answer.headers)}"
    assert named(everything) <= {whose}, everything
    assert MARK not in everything
    return answer.json()["result"]["structuredContent"]


def tool(session: Session, name: str, **arguments: Any) -> dict[str, Any]:
    return only_of(session.company, session.app.mcp("tools/call", {"name": name, "arguments": arguments}))


def reads_lists(one: Session, _: Session) -> None:
    told = tool(one, "get_lists", page_size=2, max_records=2)
    assert "error" not in told, told
    assert [record["id"] for record in told["records"]] == [list_id(one.company, 0), list_id(one.company, 1)]
    one.cursors.append(told["next_cursor"])


def reads_a_report(one: Session, _: Session) -> None:
    told = tool(one, "query_campaign_values", **REPORT)
    if "error" in told:
        assert told["error"]["code"] in ("quota_exhausted", "throttled"), told
    else:
        assert one.company in str(told)


def says_who_it_is(one: Session, _: Session) -> None:
    told = tool(one, "get_accounts")
    assert told.get("error", {}).get("code") == "quota_exhausted" or told["records"][0]["id"] == one.company


def goes_on_with_anothers_cursor(one: Session, other: Session) -> None:
    if not other.cursors:
        reads_lists(other, one)
    told = one.app.ask("get_lists", page_size=2, cursor=other.cursors[-1])
    if one.company != other.company:
        assert "error" in told
        assert told["error"]["outcome"] == "Nothing was sent to Klaviyo."


def asks_to_delete(one: Session, _: Session) -> None:
    what = list_id(one.company, 3)
    told = tool(one, "run_destructive_action", action="delete_list", arguments={"id": what})
    assert told.get("done") is False, told
    one.confirmations.append((told["confirmation"]["token"], what))


def confirms_what_another_was_asked(one: Session, other: Session) -> None:
    """A34: with and without the call beside the token."""
    if one.company == other.company:
        return
    if not other.confirmations:
        asks_to_delete(other, one)
    token, what = other.confirmations[-1]
    bare = tool(one, "confirm_action", token=token)
    assert bare["error"]["code"] == "wrong_confirmation", bare
    with_call = one.app.ask("confirm_action", token=token, action="delete_list", arguments={"id": what})
    assert with_call["error"]["code"] in ("wrong_confirmation", "invalid_arguments", "precondition_failed"), with_call


def confirms(one: Session, _: Session) -> None:
    if not one.confirmations:
        asks_to_delete(one, one)
    token, _what = one.confirmations.pop()
    told = tool(one, "confirm_action", token=token)
    assert "error" not in told, told
    assert tool(one, "confirm_action", token=token)["error"]["code"] == "wrong_confirmation"


def creates(one: Session, _: Session) -> None:
    told = tool(one, "run_write_action", action="create_list", arguments={"name": f"{one.company} new"})
    assert named(told["record"]["id"]) == {one.company}


def starts_a_job(one: Session, other: Session) -> None:
    """Held, confirmed by another company in vain, and begun."""
    rows = [{"email": f"{number}@example.com", "first_name": one.company} for number in range(2)]
    given = {"kind": "profiles", "rows": rows}
    shown = tool(one, "run_write_action", action="start_job", arguments=given)
    if shown.get("error", {}).get("code") == "not_possible":
        return  # one of the same rows is not finished
    token = shown["confirmation"]["token"]
    if one.company != other.company:
        refused = other.app.ask("confirm_action", token=token, action="start_job", arguments=given)
        assert "error" in refused, refused
    begun = tool(one, "confirm_action", token=token)
    if "error" not in begun:  # else a sibling has begun it
        one.jobs.append(begun["job"])


def looks_at_jobs(one: Session, other: Session) -> None:
    """A41: those of its own company are listed, and those of another are not known by any of their names."""
    if not other.jobs:
        starts_a_job(other, one)
    ours = {record["job"] for record in tool(one, "get_jobs")["records"]}
    assert ours >= set(one.jobs)
    for job in other.jobs[-1:]:
        asked = one.app.ask("get_job", job=job)
        assert ("error" in asked) == (one.company != other.company)
        assert (job in ours) == (one.company == other.company)


def names_another_account(one: Session, other: Session) -> None:
    for name in (other.company, "default", one.company):
        told = one.app.ask("get_lists", account=name)
        assert told["error"]["code"] == "invalid_arguments", told


STEPS = (
    reads_lists, reads_a_report, says_who_it_is, goes_on_with_anothers_cursor, asks_to_delete,
    confirms_what_another_was_asked, confirms, creates, names_another_account,
    starts_a_job, looks_at_jobs,
)  # fmt: skip
PLAY = st.lists(
    st.tuples(st.integers(0, GRANTS - 1), st.sampled_from(STEPS), st.integers(0, GRANTS - 1)), min_size=4, max_size=24
)


# What fails is not shrunk: each try takes seconds.
@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(play=PLAY)
def test_a33_sessions_in_any_order_never_see_another_company(service: Service, play: Any) -> None:
    for one, step, other in play:
        step(service.sessions[one], service.sessions[other])


def test_a33_sessions_at_the_same_time_never_see_another_company(service: Service) -> None:
    at_once = (reads_lists, reads_a_report, creates)
    with ThreadPoolExecutor(16) as pool:
        done = [
            pool.submit(at_once[number % 3], service.sessions[number * 7 % GRANTS], service.sessions[0])
            for number in range(150)
        ]
        for one in done:
            one.result(60)


def test_a34_a_confirmation_of_another_company_is_not_known_and_looks_nothing_up(service: Service) -> None:
    first, second = service.sessions[:2]
    asks_to_delete(second, first)
    received = len(service.klaviyo.received)
    told = tool(first, "confirm_action", token=second.confirmations[-1][0])["error"]
    assert told["code"] == "wrong_confirmation"
    assert len(service.klaviyo.received) == received
    confirms_what_another_was_asked(first, second)
    confirms(second, first)
    assert all(len(named(entry)) == 1 for entry in service.klaviyo.deleted), service.klaviyo.deleted


def test_a33_a_report_is_read_once_by_each_company_and_kept_for_its_own_grants(service: Service) -> None:
    for session in service.sessions[:20]:
        reads_a_report(session, session)
    assert all(count >= 1 for count in service.klaviyo.reports.values())
    assert set(service.klaviyo.reports) == {company(number) for number in range(COMPANIES)}


def test_a33_a_company_that_klaviyo_slows_down_keeps_no_other_waiting(service: Service) -> None:
    others, client_id = service.sessions[:COMPANIES], service.sessions[0].app.client_id
    # A company of this test's own: the service keeps the pause, which others would have to wait out.
    slow, sibling = (connected(service.url, client_id, COMPANIES) for _ in range(2))
    service.klaviyo.throttled[slow.company] = time.monotonic() + 60
    told = tool(slow, "get_lists", page_size=2, max_records=2)
    assert told["error"]["code"] in ("throttled", "quota_exhausted"), told
    started = time.monotonic()
    for session in others:
        reads_lists(session, session)
    assert time.monotonic() - started < 20
    assert sibling.company == slow.company
    told = tool(sibling, "get_lists", page_size=2, max_records=2)
    assert told["error"]["code"] in ("throttled", "quota_exhausted"), "all grants of a company share its quota"


def test_a33_the_manage_page_knows_its_own_company_alone(service: Service) -> None:
    browser = Browser(service.url)
    browser.connect(service.sessions[3].company)
    page = browser.http.get("/manage").text
    assert named(page) == {service.sessions[3].company}
    assert page.count("Disconnect</button>") == GRANTS // COMPANIES


def test_a35_klaviyo_gets_its_own_tokens_and_no_others(service: Service) -> None:
    reads_lists(service.sessions[1], service.sessions[1])
    ours = {text for session in service.sessions for text in session.app.tokens.values() if isinstance(text, str)}
    ours -= {"Bearer", *(session.app.tokens["scope"] for session in service.sessions)}
    received = "\n".join(service.klaviyo.received)
    assert len(ours) == 2 * GRANTS
    assert not [text for text in ours if text in received]
    assert not [prefix for prefix in ("kma_", "kmr_", "kmc_") if prefix in received]
