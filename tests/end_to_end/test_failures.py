"""What an agent is told when something is wrong, and that nothing is sent then."""

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.warm import PROGRAM

SERVE = [*PROGRAM[1:], "serve", "--expose", "all"]

CASES = [
    ("create_list", {"nam": "x", "name": "y"}, "nam", "Did you mean name?"),
    ("create_list", {}, "name", ""),
    ("get_lists", {"page_size": "lots"}, "page_size", ""),
    ("get_lists", {"page_size": 0}, "page_size", ""),
    ("create_profile", {"email": "nope"}, "email", "name@example.org"),
    ("create_profile", {"phone_number": "555-0123"}, "phone_number", "+14155550123"),
    ("create_profile", {"first_name": "Ada"}, None, "Klaviyo needs a way to recognise"),
    ("add_profile_to_list", {"list_id": "VbT4kM"}, None, "Give one of them"),
    (
        "add_profile_to_list",
        {"list_id": "VbT4kM", "emails": ["a@b.co"], "profile_ids": ["01JCW4R8P3M7V1X5Z9C2F6H0KQ"]},
        None,
        "Give only one of",
    ),
    ("get_campaigns", {}, "channel", "email"),
    ("get_campaigns", {"channel": "pigeon"}, "channel", ""),
    ("update_profile", {"id": "01JCW4R8P3M7V1X5Z9C2F6H0KQ"}, None, "Give at least one of"),
    ("get_profiles", {"filter": "equals(emial,'x')"}, "filter", "email"),
    ("get_profile", {"id": ".."}, "id", ""),
    ("create_event", {"metric": {"name": ""}, "profile": {"email": "a@b.co"}, "properties": {}}, "metric.name", ""),
]


@pytest.mark.parametrize(("tool", "arguments", "argument", "fix"), CASES)
async def test_a_wrong_call_names_the_argument_and_nothing_is_sent(
    fail, requests_seen, tool, arguments, argument, fix
) -> None:
    error = await fail(tool, **arguments)
    assert error["code"] in ("invalid_arguments", "precondition_failed")
    problem = error["problems"][0]
    assert problem.get("argument") == argument
    assert fix in problem.get("fix", "")
    assert error["outcome"] == "Nothing was sent to Klaviyo."
    assert (error["sent"], error["changed"]) == (False, False)
    assert requests_seen() == []


async def test_an_id_that_does_not_exist_is_named(fail) -> None:
    error = await fail("get_profile", id="01J0000000000000000000NONE")
    assert error["code"] == "not_found"
    assert error["status"] == 404
    assert error["next_step"]
    error = await fail("add_profile_to_list", list_id="NOPE01", emails=["a@example.org"])
    assert error["code"] == "precondition_failed"
    assert error["problems"][0]["argument"] == "list_id"
    assert "NOPE01" in error["problems"][0]["problem"]


async def test_what_klaviyo_refuses_is_put_down_to_the_argument(call, fail) -> None:
    list_id = (await call("create_list", name="X"))["record"]["id"]
    error = await fail("add_profiles_to_list", id=list_id, profile_ids=["01J0000000000000000000NONE"])
    assert error["outcome"] == "Klaviyo refused the request; nothing was changed."
    assert (error["sent"], error["changed"]) == (True, False)
    assert error["next_step"]


async def test_an_unknown_tool_is_an_error_an_agent_can_act_on(fail) -> None:
    error = await fail("creat_list", name="x")
    assert error["code"] == "unknown_action"
    assert error["candidates"][0]["name"] == "create_list"
    assert error["next_step"].startswith("Read what the candidates do")


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"KLAVIYO_API_KEY": "pk_sandbox_wrong"}, "authentication_failed", "KLAVIYO_API_KEY"),
        ({"KLAVIYO_API_KEY": ""}, "no_account", "KLAVIYO_API_KEY"),
        ({"KLAVIYO_BASE_URL": "http://127.0.0.1:1"}, "connection_failed", "KLAVIYO_BASE_URL"),
    ],
)
async def test_credentials_and_addresses_that_do_not_work_say_who_has_to_do_what(
    environment, changes, code, says
) -> None:
    import sys

    server = StdioServerParameters(command=sys.executable, args=SERVE, env={**environment, **changes})
    async with Client(server) as client:
        assert (await client.list_tools()).tools
        result = await client.call_tool("get_lists", {})
        error = result.structured_content["error"]
        assert error["code"] == code
        assert says in error["next_step"]
        assert "pk_sandbox" not in str(result)


async def test_a_key_without_the_scope_is_told_which_scope(environment) -> None:
    import sys

    from klaviyo_sandbox import READ_ONLY_API_KEY

    env = {**environment, "KLAVIYO_API_KEY": READ_ONLY_API_KEY}
    async with Client(StdioServerParameters(command=sys.executable, args=SERVE, env=env)) as client:
        error = (await client.call_tool("create_list", {"name": "x"})).structured_content["error"]
    assert error["code"] == "permission_denied"
    assert error["scopes_needed"] == ["lists:write"]


async def test_quota_that_is_used_up_is_answered_with_the_time_to_come_back(environment) -> None:
    import sys

    from klaviyo_sandbox.testing import serve

    with serve() as url:
        for quota, code in (("on", "quota_exhausted"), ("off", "throttled")):
            env = {**environment, "KLAVIYO_BASE_URL": url, "KLAVIYO_MCP_MAX_WAIT": "0", "KLAVIYO_MCP_QUOTA": quota}
            async with Client(StdioServerParameters(command=sys.executable, args=SERVE, env=env)) as client:
                # One more each second is let through, so that a slow machine needs several.
                for _ in range(20):
                    told = (await client.call_tool("get_accounts", {})).structured_content
                    if "error" in told:
                        break
                error = told["error"]
                assert error["code"] == code
                assert error["retry_at"].endswith("Z")


async def test_two_accounts_in_two_servers_never_see_each_other(environment) -> None:
    import sys

    from klaviyo_sandbox import OTHER_API_KEY

    found = []
    for key in (environment["KLAVIYO_API_KEY"], OTHER_API_KEY):
        env = {**environment, "KLAVIYO_API_KEY": key}
        async with Client(StdioServerParameters(command=sys.executable, args=SERVE, env=env)) as client:
            profiles = (await client.call_tool("get_profiles", {"max_records": 100})).structured_content["records"]
            found.append({record["id"] for record in profiles})
    assert found[0]
    assert not found[0] & found[1]
