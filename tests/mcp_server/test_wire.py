"""Lines that come over stdio: each is a message, or is answered with why it is none and with its own id."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.mcp_server.wire import LONGEST_LINE, Unreadable, find_id, read_line

CALL = '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"create_list","arguments":%s}}'
REQUEST = {"jsonrpc": "2.0", "id": 7, "method": "tools/list"}


@pytest.mark.parametrize(
    ("line", "given", "why"),
    [
        pytest.param(rb'{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":"x\ud83d"}}', 7, "half a", id="half"),
        pytest.param(rb'{"jsonrpc":"2.0","id":7,"method":"x","params":{"\ud83d":1}}', 7, "a name in", id="half name"),
        pytest.param(rb'{"jsonrpc":"2.0","id":"\ud83d","method":"x"}', None, "id holds half", id="half id"),
        pytest.param(b'{"jsonrpc":"2.0","id":"a","method":"caf\xe9"}', "a", "not UTF-8 (byte 0xe9", id="latin-1"),
        pytest.param((CALL % (7, "[" * 100_000 + "]" * 100_000)).encode(), 7, "nested too deep", id="deep"),
        pytest.param((CALL % (7, "[" * 200_000)).encode(), 7, "nested too deep", id="deep and cut"),
        pytest.param(b'{"method":"x","params":{"id":8,"x":[{"id":9}],"y":nope},"id":7}', 7, "not JSON", id="id last"),
        pytest.param(b'{"params":{"id":8},"method":"x" nope}', None, "not JSON", id="id inside alone"),
        pytest.param(b'{"text":"\\"id\\":3,", "id":7 , nope}', 7, "not JSON", id="id in text"),
        pytest.param(b"garbage", None, "not JSON", id="garbage"),
        pytest.param(b'"text"', None, "JSON object", id="text"),
        pytest.param(b'{"id":1.5,"jsonrpc":"2.0","method":"x"}', 1.5, "whole number", id="fraction"),
        pytest.param(b'{"id":null,"jsonrpc":"2.0","method":"x"}', None, "whole number", id="null"),
        pytest.param(b'{"id":true,"jsonrpc":"2.0","method":"x"}', None, "whole number", id="truth"),
        pytest.param(b'{"id":7,"method":"x"}', 7, '"jsonrpc": "2.0"', id="no version"),
        pytest.param(b'{"id":7,"jsonrpc":"2.0"}', 7, "method", id="no method"),
        pytest.param(b'{"id":7,"jsonrpc":"2.0","method":"x","params":[1]}', 7, "params", id="params in order"),
        pytest.param(b'{"id":7,"jsonrpc":"2.0","method":"x","params":{"n":NaN}}', 7, "number", id="NaN"),
        pytest.param(b'{"id":7,"jsonrpc":"2.0","method":"x","params":{"n":' + b"1" * 9_000 + b"}}", 7, "long", id="1"),
    ],
)
def test_a_line_that_is_no_message_is_answered_with_its_own_id(line: bytes, given: object, why: str) -> None:
    (problem,) = read_line(line)
    assert isinstance(problem, Unreadable)
    assert problem.id == given
    assert why in problem.message


def test_each_request_of_a_batch_is_answered() -> None:
    batch = json.dumps([REQUEST, {"jsonrpc": "2.0", "method": "notifications/initialized"}, {**REQUEST, "id": "b"}])
    assert [problem.id for problem in read_line(batch.encode())] == [7, "b"]
    assert [problem.id for problem in read_line(b"[]")] == [None]


@pytest.mark.parametrize("around", [b"%s", b"\xef\xbb\xbf%s", b"  %s\r"])
def test_a_byte_order_mark_and_white_space_are_no_harm(around: bytes) -> None:
    assert read_line(around % json.dumps(REQUEST).encode()) == REQUEST
    assert read_line(around % b"") == []


def test_a_pair_of_surrogates_is_a_character_and_an_answer_is_a_message() -> None:
    found = read_line(rb'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"\ud83d\ude00"}}')
    assert isinstance(found, dict)
    assert found["params"]["a"] == "😀"
    assert read_line(b'{"jsonrpc":"2.0","id":1,"result":{}}') == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_a_line_that_is_too_long_still_tells_its_id() -> None:
    (problem,) = read_line(b'{"id":7,"x":"' + b"a" * LONGEST_LINE + b'"}')
    assert isinstance(problem, Unreadable)
    assert (problem.id, problem.message) == (7, "a message may have 32,000,000 bytes at most")


@given(st.binary())
def test_no_bytes_are_too_odd(line: bytes) -> None:
    found = read_line(line)
    assert isinstance(found, dict) or all(isinstance(problem, Unreadable) for problem in found)


@given(st.one_of(st.integers(-(10**18), 10**18), st.text(max_size=20).filter(str.isprintable)), st.data())
def test_the_id_is_found_wherever_it_stands_and_however_the_line_ends(wanted: int | str, data: st.DataObject) -> None:
    inner = {"id": 99, "arguments": {"id": [{"id": 98}]}}
    fields = data.draw(st.permutations([("id", wanted), ("params", inner), ("method", '"id":97'), ("jsonrpc", "2.0")]))
    line = json.dumps(dict(fields), ensure_ascii=data.draw(st.booleans()))
    assert find_id(line[:-1].encode() + b",\xff]") == wanted
