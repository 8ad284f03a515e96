"""`klaviyo-mcp serve --hosted-demo`: one command, nothing of the person's is used, and nothing stays."""

import signal

import httpx2
import pytest
from tests.hosted.browsing import demo


@pytest.mark.parametrize(("told", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)], ids=["Ctrl-C", "SIGTERM"])
def test_it_says_where_to_go_and_leaves_nothing_behind(told, code, tmp_path) -> None:
    with demo(tmp_path) as service:
        assert f"Open {service.url}," in service.said
        assert f"claude mcp add --transport http klaviyo {service.url}/mcp" in service.said
        assert httpx2.get(f"{service.url}/readyz").status_code == 200
        assert httpx2.get(service.klaviyo).status_code == 200
        assert len(list(tmp_path.glob("klaviyo-mcp-demo-*"))) == 1
        service.process.send_signal(told)
        assert service.process.wait(20) == code
        for url in (service.url, service.klaviyo):
            with pytest.raises(httpx2.ConnectError):
                httpx2.get(url)
    assert list(tmp_path.glob("klaviyo-mcp-demo-*")) == []


@pytest.mark.parametrize("other", [["--host", "0.0.0.0"], ["--account", "shop"], ["--sandbox"]])
def test_what_it_brings_itself_cannot_be_given(command, other) -> None:
    done = command("serve", "--hosted-demo", *other)
    assert done.returncode == 2
    assert "--host" in done.stderr


def test_a_port_that_is_taken_is_told(command) -> None:
    with demo() as service:
        port = service.url.rpartition(":")[2]
        done = command("serve", "--hosted-demo", "--port", port)
    assert done.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
