"""The markup, style and script of the page at `/`. Values in double braces are filled in, escaped, by `home`."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d1b19; --soft: #6b655e; --line: #e2ddd6; --card: #fff; --back: #f6f3ee;
  --accent: #1f5f4a; --good: #1f6f4a; --warn: #9a5b00; --bad: #b3261e; --code: #f0ece5; }
@media (prefers-color-scheme: dark) { :root { --ink: #f2efea; --soft: #a9a299; --line: #3a3631; --card: #211f1c;
  --back: #171513; --accent: #6fc3a5; --good: #7fd0a4; --warn: #e5b567; --bad: #f28b82; --code: #2b2824; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
header p { max-width: 44rem; font-size: 1.1rem; color: var(--soft); margin: .4rem 0 0; }
h1 { font-size: clamp(1.8rem, 4vw, 2.5rem); line-height: 1.15; margin: 0; letter-spacing: -.02em; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .8rem; }
h3 { margin: 0; font-size: 1.05rem; }
code, pre { font: .86rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.shops { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); }
article, .line, .log { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
article { padding: 1.1rem 1.25rem; }
article code { color: var(--soft); }
dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: .9rem .5rem; margin: 1rem 0 0; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; font-size: 1.25rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.line { display: flex; align-items: center; gap: .75rem; padding: .5rem .5rem .5rem 1rem; margin: .4rem 0 1rem; }
.line pre { flex: 1; margin: 0; overflow-x: auto; white-space: pre; padding: .35rem 0; }
button { border: 1px solid var(--line); background: var(--code); color: inherit; border-radius: 8px; font: inherit;
  font-size: .85rem; padding: .4rem .8rem; cursor: pointer; min-width: 5.2rem; }
button:hover, button:focus-visible { border-color: var(--accent); color: var(--accent); }
.hint { color: var(--soft); margin: 0; font-size: .92rem; }
.log { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: .8rem; padding: .6rem 1rem; }
td { border-top: 1px solid var(--line); padding: .45rem 1rem; vertical-align: top; }
td:nth-child(3) { overflow-wrap: anywhere; }
td, .status { font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.status { font-weight: 650; }
footer { margin-top: 2.5rem; color: var(--soft); font-size: .92rem; }
a { color: var(--accent); }
@media (max-width: 34rem) { dl { grid-template-columns: repeat(2, 1fr); } main { padding-top: 2rem; } }
"""

SCRIPT = """
"use strict";
const cell = (row, text, name) => {
  const made = row.insertCell();
  made.textContent = text;
  if (name) made.className = name;
};
const tone = (status) => (status === 0 || status >= 500 ? "bad" : status >= 400 ? "warn" : "good");
const showRequests = (entries) => {
  const body = document.getElementById("requests");
  body.replaceChildren();
  if (!entries.length) {
    const made = body.insertRow().insertCell();
    made.colSpan = 4;
    made.textContent = "Nothing yet. Requests appear here as they come in.";
  }
  for (const entry of entries.reverse()) {
    const row = body.insertRow();
    cell(row, entry.at.slice(11, 19));
    cell(row, entry.method);
    cell(row, decode(entry.path + (entry.query ? "?" + entry.query : "")));
    const faults = entry.faults.length ? " (" + entry.faults.join(", ") + ")" : "";
    cell(row, (entry.status || "broken") + faults, "status " + tone(entry.status));
  }
};
const decode = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
const showSummary = (facts) => {
  document.getElementById("now").textContent = facts.now.slice(0, 19).replace("T", " ") + " UTC";
  for (const company of facts.companies) {
    for (const [name, count] of Object.entries(company.counts)) {
      const place = document.querySelector('[data-count="' + CSS.escape(company.id) + ":" + name + '"]');
      if (place) place.textContent = count.toLocaleString("en");
    }
  }
};
const read = async (path) => (await fetch(path, { headers: { Accept: "application/json" } })).json();
const poll = async () => {
  const state = document.getElementById("state");
  try {
    const [entries, facts] = await Promise.all([read("/_sandbox/requests?last=25"), read("/_sandbox/summary")]);
    showRequests(entries);
    showSummary(facts);
    state.textContent = "live";
    state.className = "good";
  } catch {
    state.textContent = "the sandbox does not answer";
    state.className = "bad";
  }
  setTimeout(poll, document.hidden ? 10000 : 2000);
};
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const line = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(line.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(line);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}
poll();
"""

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Klaviyo sandbox</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style nonce="{{nonce}}">{{style}}</style></head>
<body><main>
<header><h1>A Klaviyo on this machine</h1>
<p>This sandbox answers like Klaviyo's API at revision {{revision}}: {{operations}} operations on real state, with
rate limits, OAuth and invented shops. Nothing here reaches the network or a real account.</p></header>

<h2>Point a client at it</h2>
<p class="hint">With a private key. To read only, use the key <code>{{read_only}}</code>.</p>
<div class="line"><pre id="line-key">{{key}}</pre><button type="button" data-copy="line-key">Copy</button></div>
<p class="hint">With OAuth. The app may be returned to at <code>{{redirect}}</code>.</p>
<div class="line"><pre id="line-oauth">{{oauth}}</pre><button type="button" data-copy="line-oauth">Copy</button></div>
<p class="hint">Or try it right away.</p>
<div class="line"><pre id="line-curl">{{curl}}</pre><button type="button" data-copy="line-curl">Copy</button></div>

<h2>The demo shops</h2>
<div class="shops">{{shops}}</div>

<h2>Recent requests <small id="state" class="warn" role="status">connecting</small></h2>
<div class="log"><table><thead><tr><th>Time</th><th>Method</th><th>Path</th><th>Status</th></tr></thead>
<tbody id="requests"></tbody></table></div>

<footer>It is <span id="now">…</span> in the sandbox. The API is described in
<a href="/_sandbox/openapi.json">OpenAPI</a>. <code>POST /_sandbox/reset</code> starts over.</footer>
</main>
<script nonce="{{nonce}}">{{script}}</script>
</body></html>
"""
