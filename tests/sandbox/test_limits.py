"""Rate limits: fixed windows per account and operation, what answers say about them, and what happens beyond."""

import pytest

from klaviyo_sandbox import OTHER_API_KEY, READ_ONLY_API_KEY

A_LIST = {"data": {"type": "list", "attributes": {"name": "Any"}}}


@pytest.fixture
def limited(make_sandbox):
    return make_sandbox(rate_limits=True)


def test_answers_tell_the_limits_and_what_is_left(limited):
    headers = limited.get("/api/metrics").headers
    assert headers["RateLimit-Limit"] == "10, 10;w=1, 150;w=60"
    assert headers["RateLimit-Remaining"] == "9"
    assert headers["RateLimit-Reset"] == "0"
    assert "RateLimit-Remaining-Daily" not in headers


def test_a_request_beyond_the_burst_is_throttled_until_the_second_is_over(limited):
    for _ in range(10):
        assert limited.get("/api/metrics").status_code == 200
    answer = limited.get("/api/metrics")
    error = limited.problem(answer, 429)
    assert error["code"] == "throttled"
    assert error["title"] == "Request was throttled."
    assert error["detail"].endswith("Expected available in 1 second.")
    assert error["source"] == {"pointer": "/data"}
    assert answer.headers["Retry-After"] == "1"
    assert not [name for name in answer.headers if name.lower().startswith("ratelimit")]
    limited.clock.advance(0.99)
    assert limited.get("/api/metrics").status_code == 429
    limited.clock.advance(0.01)
    assert limited.get("/api/metrics").status_code == 200


def test_a_request_beyond_the_steady_limit_waits_for_the_minute(limited):
    for _ in range(15):
        assert limited.get("/api/accounts").status_code == 200
        limited.clock.advance(1)
    answer = limited.get("/api/accounts")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "45"
    limited.clock.advance(45)
    assert limited.get("/api/accounts").status_code == 200


def test_the_leading_number_is_that_of_the_window_that_binds(limited):
    for _ in range(14):
        last = limited.get("/api/accounts")
        limited.clock.advance(1)
    assert last.headers["RateLimit-Limit"] == "1, 1;w=1, 15;w=60"
    last = limited.get("/api/accounts")
    assert last.headers["RateLimit-Remaining"] == "0"


def test_throttled_requests_do_not_count(limited):
    for _ in range(100):
        limited.get("/api/accounts")
    limited.clock.advance(1)
    assert limited.get("/api/accounts").status_code == 200


def test_operations_and_accounts_have_their_own_windows_but_keys_share_them(limited):
    assert limited.get("/api/accounts").status_code == 200
    assert limited.get("/api/accounts/DEMO01").status_code == 200
    assert limited.get("/api/accounts", key=OTHER_API_KEY).status_code == 200
    assert limited.get("/api/accounts", key=READ_ONLY_API_KEY).status_code == 429


def test_a_daily_limit_has_headers_of_its_own(limited):
    headers = limited.post("/api/lists", A_LIST).headers
    assert headers["RateLimit-Limit"] == "10, 10;w=1, 150;w=60, 150;w=86400"
    assert headers["RateLimit-Remaining-Daily"] == "149"
    assert headers["RateLimit-Reset-Daily"] == "86399"


def test_beyond_the_daily_limit_the_wait_is_the_rest_of_the_day(limited):
    for _ in range(150):
        assert limited.post("/api/lists", A_LIST).status_code == 201
        limited.clock.advance(1)
    answer = limited.post("/api/lists", A_LIST)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == str(86400 - 150)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/api/lists/{list}?additional-fields[list]=profile_count", "/api/lists/{list}?fields[list]=profile_count"),
        ("/api/profiles/{profile}?include=lists", "/api/profiles/{profile}?include=lists,segments"),
    ],
)
def test_expensive_parameters_have_an_allowance_of_their_own(limited, first, second):
    names = {"list": limited.list_id("Newsletter"), "profile": limited.data("/api/profiles")[0]["id"]}
    assert limited.get(first.format(**names)).status_code == 200
    assert limited.get(second.format(**names)).status_code == 429
    assert limited.get(first.format(**names).split("?")[0]).status_code == 200


def test_the_allowance_for_predictions_is_shared_by_all_endpoints(limited):
    members = f"/api/lists/{limited.list_id('Newsletter')}/profiles?additional-fields[profile]=predictive_analytics"
    for _ in range(10):
        assert limited.get("/api/profiles?additional-fields[profile]=predictive_analytics").status_code == 200
    assert limited.get(members).status_code == 429
    assert limited.get("/api/profiles?additional-fields[profile]=subscriptions").status_code == 200


def test_limits_can_be_switched_off(make_sandbox):
    unlimited = make_sandbox(rate_limits=False)
    answers = [unlimited.get("/api/accounts") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit-Limit" not in answers[0].headers


def test_counting_the_members_of_a_group_names_the_allowance_for_it(limited):
    newsletter = limited.list_id("Newsletter")
    headers = limited.get(f"/api/lists/{newsletter}?additional-fields[list]=profile_count").headers
    assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == ("1, 1;w=1, 15;w=60", "0")
    assert limited.get(f"/api/lists/{newsletter}").headers["RateLimit-Limit"] == "75, 75;w=1, 750;w=60"


def test_bringing_the_groups_of_a_profile_names_the_ordinary_allowance(limited):
    profile = limited.data("/api/profiles?page[size]=1")[0]["id"]
    headers = limited.get(f"/api/profiles/{profile}?include=lists").headers
    assert headers["RateLimit-Limit"] == "75, 75;w=1, 750;w=60"
    error = limited.problem(limited.get(f"/api/profiles/{profile}?include=lists"), 429)
    assert error["links"]["type"].endswith("#rate-limits")
