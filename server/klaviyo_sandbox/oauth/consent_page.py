"""The pages that OAuth shows in a browser: who wants access to what, and why it cannot be given."""

from collections.abc import Sequence
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from klaviyo_sandbox.storage.grants import OAuthApp

_CARRIED = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
_STYLE = """
:root { color-scheme: light dark; --ink: #1d1b19; --soft: #6b655e; --line: #e2ddd6; --card: #fff; --back: #f6f3ee;
  --accent: #1f5f4a; }
@media (prefers-color-scheme: dark) { :root { --ink: #f2efea; --soft: #a9a299; --line: #3a3631; --card: #211f1c;
  --back: #171513; --accent: #6fc3a5; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--back);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 30rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 2rem; }
small { color: var(--soft); letter-spacing: .04em; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: .3rem 0 1.2rem; }
fieldset { border: 1px solid var(--line); border-radius: 10px; padding: .6rem 1rem; margin: 0 0 1.2rem; }
legend { color: var(--soft); padding: 0 .4rem; font-size: .875rem; }
label { display: block; padding: .25rem 0; }
ul { columns: 2; padding-left: 1.1rem; margin: .2rem 0; }
code { font-size: .85rem; overflow-wrap: anywhere; }
.buttons { display: flex; gap: .75rem; }
button { flex: 1; padding: .7rem; border-radius: 9px; border: 1px solid var(--line); background: none; color: inherit;
  font: inherit; font-weight: 600; cursor: pointer; }
button[value=allow] { background: var(--accent); border-color: var(--accent); color: var(--card); }
p { color: var(--soft); margin: 1.2rem 0 0; font-size: .875rem; }
"""


def consent_page(
    app: OAuthApp, asked: dict[str, str], scopes: Sequence[str], companies: Sequence[tuple[str, str]]
) -> HTMLResponse:
    """Ask for consent: which company, which scopes, Allow or Deny. The form carries the request along."""
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(asked[name])}">' for name in _CARRIED if name in asked
    )
    choices = "".join(
        f'<label><input type="radio" name="company_id" value="{escape(account)}"{" checked" if not index else ""}> '
        f"{escape(name)} <code>{escape(account)}</code></label>"
        for index, (account, name) in enumerate(companies)
    )
    listed = "".join(f"<li><code>{escape(scope)}</code></li>" for scope in dict.fromkeys(scopes))
    target = asked["redirect_uri"]
    body = f"""<small>SANDBOX</small>
<h1>{escape(app.name)} would like access to your account</h1>
<form method="post" action="/oauth/authorize">{hidden}
<fieldset><legend>Company</legend>{choices}</fieldset>
<fieldset><legend>It may use</legend><ul>{listed}</ul></fieldset>
<div class="buttons"><button name="decision" value="deny">Deny</button>
<button name="decision" value="allow">Allow</button></div></form>
<p>Either way you return to <code>{escape(target)}</code>. This is a simulation: no real account is involved.</p>"""
    parts = urlsplit(target)
    # Browsers apply form-action to where a form's answer redirects as well.
    return _page("Give access", body, 200, f"'self' {parts.scheme}://{parts.netloc}")


def refusal_page(reason: str) -> HTMLResponse:
    """Say why the request goes nowhere. The app is not told: its address cannot be trusted."""
    return _page("Cannot continue", f"<small>SANDBOX</small><h1>This cannot continue</h1><p>{escape(reason)}</p>", 400)


def _page(title: str, body: str, status: int, form_action: str = "'none'") -> HTMLResponse:
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; form-action {form_action}; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(html, status, headers)
