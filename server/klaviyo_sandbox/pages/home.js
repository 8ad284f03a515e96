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
