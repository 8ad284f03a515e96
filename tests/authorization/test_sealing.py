"""What is sealed, signed and hashed, and what junk costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.authorization.sealing import Sealing
from klaviyo_mcp.authorization.token_text import hashed, new_token, well_formed

OLD, NEW = "o" * 32, "n" * 32


def test_a_secret_can_be_replaced_without_anyone_noticing() -> None:
    before, between, after = Sealing([OLD]), Sealing([NEW, OLD]), Sealing([NEW])
    assert between.open(before.seal(b"x")) == b"x"
    assert after.open(between.seal(b"x")) == b"x"
    assert after.open(before.seal(b"x")) is None
    assert between.verified("a", before.sign("a", "value.with.dots")) == "value.with.dots"
    assert after.verified("a", between.sign("a", "v")) == "v"
    assert after.verified("a", before.sign("a", "v")) is None


@given(st.text(), st.text())
def test_only_what_was_signed_for_a_purpose_is_verified(value, other) -> None:
    sealing = Sealing([OLD])
    assert sealing.verified("a", other) is None
    if value.isascii():
        assert sealing.verified("a", sealing.sign("a", value)) == value
        assert sealing.verified("b", sealing.sign("a", value)) is None
        assert sealing.verified("a", sealing.sign("a", value) + "x") is None


@pytest.mark.parametrize("secrets", [[], [""], ["x" * 31], [OLD, "short"]])
def test_a_secret_that_is_too_short_is_refused_and_not_quoted(secrets) -> None:
    with pytest.raises(ValueError, match="32 characters") as told:
        Sealing(secrets)
    assert "short" not in str(told.value)
    assert repr(Sealing([OLD])) == "Sealing(…)"


@pytest.mark.parametrize("kind", ["kma", "kmr", "kmc"])
def test_tokens_are_told_from_junk_by_themselves(kind) -> None:
    token = new_token(kind)
    assert len(token) == 53
    assert well_formed(kind, token)
    assert not any(well_formed(other, token) for other in ("kma", "kmr", "kmc") if other != kind)
    for at in range(len(token)):
        assert not well_formed(kind, token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :])
        assert not well_formed(kind, token[:at])
    assert not well_formed(kind, token + "\n")


@given(st.text(st.characters(codec=None), max_size=80))
def test_junk_is_no_token_and_raises_nothing(junk) -> None:
    assert not well_formed("kma", junk)
    assert len(hashed(junk)) == 64
