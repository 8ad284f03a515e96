"""The path of a call, against the sandbox: paging, composites that stop midway, advice after an unknown outcome."""

from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments, PreconditionFailed, Stopped
from klaviyo_mcp.answers.failures import explain
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.answers.shape import shape
from klaviyo_mcp.klaviyo.errors import (
    AnswerTimeout,
    ApiProblem,
    ConnectionLost,
    ForeignAnswer,
    KlaviyoError,
    PermissionDenied,
    ServerError,
)
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.replies import refusal_of
from klaviyo_mcp.registry.registry import Registry
from klaviyo_sandbox import API_KEY, create_app


@pytest.fixture
def account() -> Account:
    """A sandbox of its own, with Klaviyo's rate limits, reached without our own pacing."""
    transport = httpx2.ASGITransport(app=create_app())
    return open_account("sandbox", Endpoint("http://sandbox", HttpPool(transport), pace=False), api_key=API_KEY)


async def run(engine: Engine, account: Account, action: str, /, **arguments: Any) -> dict[str, Any]:
    return shape(await engine.run(Call(action, arguments), account)).data


async def test_fetching_many_stops_early_with_a_cursor_when_the_quota_ends(
    registry: Registry, account: Account
) -> None:
    impatient = Engine(registry, max_wait=0)
    # Predictive analytics has a quota of its own: ten requests a second.
    arguments = {"additional_profile_fields": ["predictive_analytics"], "profile_fields": ["email"]}
    for _ in range(8):
        await run(impatient, account, "get_profiles", page_size=1, **arguments)
    many = await run(impatient, account, "get_profiles", max_records=400, page_size=5, **arguments)
    assert 0 < many["count"] < 400
    assert "Go on with next_cursor" in many["warnings"][0]
    rest = await run(Engine(registry, max_wait=10), account, "get_profiles", cursor=many["next_cursor"], page_size=1)
    assert rest["count"] == 1


async def test_a_composite_that_breaks_off_says_what_was_done(engine: Engine, account: Account) -> None:
    made = (await run(engine, account, "create_list", name="Half"))["record"]["id"]
    emails = [f"half{index}@example.org" for index in range(5)]
    # A key that may write profiles but not lists does not exist in the sandbox, so the list goes away in between.
    await run(engine, account, "add_profile_to_list", list_id=made, emails=emails[:1], create_missing=True)

    class Vanishing(httpx2.ASGITransport):
        """Refuses the last step, as Klaviyo would for a list that someone deleted meanwhile."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method == "POST" and request.url.path.endswith("/relationships/profiles"):
                await super().handle_async_request(
                    httpx2.Request("DELETE", f"http://sandbox/api/lists/{made}", headers=dict(request.headers))
                )
            return await super().handle_async_request(request)

    transport = Vanishing(app=create_app())
    opened = open_account("sandbox", Endpoint("http://sandbox", HttpPool(transport), pace=False), api_key=API_KEY)
    made = (await run(engine, opened, "create_list", name="Half"))["record"]["id"]
    with pytest.raises(Stopped) as error:
        await run(engine, opened, "add_profile_to_list", list_id=made, emails=emails, create_missing=True)
    assert error.value.done["created"] == 5
    shown = explain(error.value, "add_profile_to_list", engine.registry).data["error"]
    assert shown["code"] == "stopped_midway"
    assert shown["done_so_far"]["created"] == 5
    assert "not done twice" in shown["next_step"]


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("get_profiles", AnswerTimeout("No answer."), "call again"),
        ("update_list", ServerError("Oops.", status=500), "it is safe to call again"),
        ("create_list", AnswerTimeout("No answer."), "it could happen twice"),
        ("create_event", AnswerTimeout("No answer."), "unique_id"),
    ],
)
def test_after_an_unknown_outcome_the_advice_depends_on_what_a_repeat_would_do(registry, name, error, says) -> None:
    shown = explain(error, name, registry).data["error"]
    assert says in shown["next_step"]
    assert "not known" in shown["outcome"]
    assert shown["sent"] is True
    assert "changed" not in shown


def test_a_missing_permission_names_the_scopes(registry: Registry) -> None:
    error: KlaviyoError = PermissionDenied(
        "You do not have permission.", status=403, problems=(ApiProblem(code="permission_denied"),)
    )
    assert explain(error, "create_list", registry).data["error"]["scopes_needed"] == ["lists:write"]


def test_a_403_that_is_not_klaviyos_own_is_not_put_down_to_scopes(registry: Registry) -> None:
    shown = explain(ForeignAnswer("answered 403 with a body that is not JSON.", status=403), "create_list", registry)
    assert "scopes_needed" not in shown.data["error"]
    assert "a proxy, a firewall" in shown.data["error"]["next_step"]


def test_a_broken_read_before_a_write_says_that_nothing_was_changed(registry: Registry) -> None:
    error = ConnectionLost("The connection broke during GET /api/lists/x.")
    error.reading = True
    shown = explain(error, "create_list", registry).data["error"]
    assert shown["outcome"] == "Nothing was changed in Klaviyo."
    assert shown["changed"] is False
    assert "sent" not in shown
    assert shown["next_step"] == "Reading changes nothing: call again."


def test_an_error_without_a_word_still_has_a_message(registry: Registry) -> None:
    response = httpx2.Response(400, headers={"X-Klaviyo-Req-Id": "1"}, request=httpx2.Request("POST", "http://k/"))
    shown = explain(refusal_of(response), "create_list", registry).data["error"]
    assert shown["message"] == "Klaviyo answered 400 without saying why."


async def test_a_live_rule_that_fails_says_nothing_was_changed_not_that_nothing_was_sent(engine, account) -> None:
    with pytest.raises(PreconditionFailed) as error:
        await run(engine, account, "add_profile_to_list", list_id="NOPE01", emails=["a@example.org"])
    assert error.value.problems[0].argument == "list_id"
    shown = explain(error.value, "add_profile_to_list", engine.registry).data["error"]
    assert shown["outcome"] == "Nothing was changed in Klaviyo."


async def test_what_cannot_be_an_id_is_known_before_anything_is_asked(engine, account) -> None:
    with pytest.raises(InvalidArguments) as error:
        await run(engine, account, "add_profile_to_list", list_id="..", emails=["a@example.org"])
    assert error.value.problems[0].argument == "list_id"
    shown = explain(error.value, "add_profile_to_list", engine.registry).data["error"]
    assert shown["outcome"] == "Nothing was sent to Klaviyo."


async def test_fetching_many_stops_when_the_answer_is_full_and_keeps_a_given_page_size(engine, account) -> None:
    many = await run(engine, account, "get_profiles", max_records=400, fields=["all"])
    assert 0 < many["count"] < 400
    assert f"{many['count']} of " in many["left_out"]
    assert many["next_cursor"]
    few = preview(engine.plan(Call("get_profiles", {"max_records": 50, "page_size": 7}))).data["requests"][0]["path"]
    assert "page%5Bsize%5D=7" in few


def test_a_preview_names_no_check_that_the_run_skips(engine: Engine) -> None:
    person = {"email": "a@example.org", "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}}}
    plan = preview(engine.plan(Call("bulk_subscribe_profiles", {"profiles": [person]}))).data
    assert "checks_first" not in plan


async def test_two_accounts_of_one_engine_never_mix(engine: Engine) -> None:
    from klaviyo_sandbox import OTHER_API_KEY

    app = create_app()
    endpoint = Endpoint("http://sandbox", HttpPool(httpx2.ASGITransport(app=app)))
    accounts = [open_account(key, endpoint, api_key=key) for key in (API_KEY, OTHER_API_KEY)]
    for account in accounts:
        await run(engine, account, "create_list", name=f"Of {account.name}")
    for account in accounts:
        lists = await run(engine, account, "get_lists", max_records=100)
        own = [record["name"] for record in lists["records"] if record["name"].startswith("Of ")]
        assert own == [f"Of {account.name}"]
