"""The page at `/`, as a client sees it."""

from klaviyo_sandbox import API_KEY


def page(sandbox, **headers):
    return sandbox.get("/", key=None, **{"Accept": "text/html,application/xhtml+xml", **headers})


def test_the_page_says_what_this_is_and_how_to_use_it(sandbox):
    answer = page(sandbox)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    for text in ("A Klaviyo on this machine", "Juniper &amp; Pine", f"KLAVIYO_API_KEY={API_KEY}", "http://sandbox"):
        assert text in answer.text
    assert "{{" not in answer.text


def test_it_loads_nothing_from_elsewhere_and_runs_only_its_own_script(sandbox):
    answer = page(sandbox)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce}"') == 1
    assert nonce not in page(sandbox).headers["Content-Security-Policy"]
    assert " src=" not in answer.text
    assert "https://" not in answer.text


def test_the_address_it_shows_is_escaped(sandbox):
    assert "<script>alert" not in page(sandbox, Host='"><script>alert(1)</script>').text


def test_the_summary_counts_what_each_company_has(sandbox):
    companies = sandbox.get("/_sandbox/summary", key=None).json()["companies"]
    counts = {company["id"]: company["counts"] for company in companies}
    assert counts["DEMO01"]["profiles"] == 40
    sandbox.create_list("One more")
    again = sandbox.get("/_sandbox/summary", key=None).json()["companies"][0]["counts"]
    assert again["lists"] == counts["DEMO01"]["lists"] + 1


def test_fewer_requests_can_be_asked_for(sandbox):
    for number in range(5):
        sandbox.get(f"/api/nowhere/{number}")
    last = sandbox.get("/_sandbox/requests?last=2", key=None).json()
    assert [entry["path"] for entry in last] == ["/api/nowhere/3", "/api/nowhere/4"]
    later = sandbox.get("/_sandbox/requests?after=3", key=None).json()
    assert [(entry["number"], entry["path"]) for entry in later] == [(4, "/api/nowhere/3"), (5, "/api/nowhere/4")]
