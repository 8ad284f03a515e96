"""What Klaviyo says about its limits in headers, and that nothing else is ever read out of them."""

from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.klaviyo.rate_headers import LONGEST_RETRY_AFTER, MOST, Said, quota_left, retry_after, said
from klaviyo_mcp.klaviyo.requests import DAY, Bucket

LISTS = (Bucket("get_lists", 10, 1), Bucket("get_lists", 150, 60))
REPORT = (Bucket("report", 1, 1), Bucket("report", 2, 60), Bucket("report", 225, DAY))
NAMES = [
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
    *("RateLimit-Remaining-Daily", "RateLimit-Reset-Daily", "Retry-After"),
]


def test_the_window_that_binds_is_the_one_with_the_leading_limit() -> None:
    spoken = {"RateLimit-Limit": "150, 10;w=1, 150;w=60", "RateLimit-Remaining": "149", "RateLimit-Reset": "22"}
    assert said(spoken, LISTS) == [Said("get_lists", 1, 10), Said("get_lists", 60, 150, 149, 22)]


def test_a_day_has_headers_of_its_own() -> None:
    spoken = {"RateLimit-Limit": "1, 1;w=1, 2;w=60, 225;w=86400", "RateLimit-Remaining": "0", "RateLimit-Reset": "0"}
    day = {"RateLimit-Remaining-Daily": "221", "RateLimit-Reset-Daily": "69112"}
    assert said({**spoken, **day}, REPORT) == [
        Said("report", 1, 1, 0, 0),
        Said("report", 60, 2),
        Said("report", DAY, 225, 221, 69112),
    ]
    assert quota_left({**spoken, **day}).remaining_today == 221


def test_a_limit_without_windows_is_a_gateways_and_not_klaviyos() -> None:
    assert said({"RateLimit-Limit": "5", "RateLimit-Remaining": "0", "RateLimit-Reset": "3000"}, LISTS) == []


def test_a_wait_is_whole_seconds_rounded_up_and_never_longer_than_a_day() -> None:
    assert retry_after({"Retry-After": "3"}) == 3
    assert retry_after({"Retry-After": "2.2"}) == 3
    assert retry_after({"Retry-After": "0"}) == 1
    assert retry_after({"Retry-After": "67608"}) == 67608
    assert retry_after({"Retry-After": "9" * 18}) == LONGEST_RETRY_AFTER
    assert retry_after({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}) == LONGEST_RETRY_AFTER
    assert retry_after({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}) == 1
    for garbage in ("", "soon", "-5", "nan", "inf", "1e9", "9" * 5000, "Fri, 31 Dec 9999 23:59:59 -1200", "٣"):
        assert retry_after({"Retry-After": garbage}) is None


words = st.one_of(
    st.text(max_size=40), st.integers().map(str), st.sampled_from(["9" * 5000, "1, 1;w=1, 0;w=60", "5;w=60, 7;w=60"])
)


@given(st.dictionaries(st.sampled_from(NAMES), words))
def test_whatever_headers_say_is_a_limit_that_can_be_or_nothing(headers: dict[str, str]) -> None:
    for one in said(headers, REPORT):
        assert (one.name, one.seconds) in {(bucket.name, bucket.seconds) for bucket in REPORT}
        assert 0 < one.amount <= MOST
        assert one.left is None or 0 <= one.left < 10**7
        assert one.reset is None or 0 <= one.reset < 10**7
    wait = retry_after(headers)
    assert wait is None or 1 <= wait <= LONGEST_RETRY_AFTER
    quota_left(headers)
