"""Words are compared by their stems and by what they mean in the trade."""

import pytest

from klaviyo_mcp.registry.trade_words import ADDRESS, DATE, ID, NUMBER, expanded, pairs, stem, telling


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("campaigns", "campaign"),
        ("categories", "category"),
        ("sent", "send"),
        ("bought", "buys"),
        ("stopping", "stopped"),
        ("organised", "organizes"),
        ("people", "persons"),
        ("addresses", "address"),
    ],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize("word", ["news", "sms", "status", "series", "this", "as"])
def test_what_only_looks_like_an_ending_stays(word: str) -> None:
    assert stem(word).startswith(word[:3])


def test_numbers_days_ids_and_addresses_are_taken_for_what_they_are() -> None:
    assert [stem(word) for word in ("500", "friday", "01hxyz8", "ada@example.org")] == [NUMBER, DATE, ID, ADDRESS]


def test_words_of_several_are_one() -> None:
    assert [word for word, _ in pairs("Opt out of text messages")] == ["optout", "of", "sms"]
    assert [word for word, _ in pairs("getProfiles for the pop-up")] == ["get", "profiles", "for", "the", "popup"]


def test_a_question_of_small_words_alone_keeps_them() -> None:
    assert telling(pairs("the of and")) == ["the", "of", "and"]
    assert telling(pairs("show me the lists")) == [stem("lists")]


def test_the_words_of_the_trade_mean_ours() -> None:
    for said, ours in (("newsletter", "campaign"), ("automation", "flow"), ("popup", "form"), ("voucher", "coupon")):
        assert stem(ours) in expanded([stem(said)])
    both = expanded([stem("audience")])
    assert 0 < both[stem("list")] < 1
    assert 0 < both[stem("segment")] < 1
