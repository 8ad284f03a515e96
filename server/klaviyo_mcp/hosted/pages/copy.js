"use strict";
// A button beside everything that is there to be copied. Without scripts there is none, and one click selects it all.
const told = document.createElement("p");
told.className = "unseen";
told.setAttribute("role", "status");
document.body.append(told);

for (const shown of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy the ${shown.dataset.copy}`);
  button.addEventListener("click", async () => {
    let word = "Copied";
    try {
      await navigator.clipboard.writeText(shown.textContent);
    } catch {
      word = "Not copied";
    }
    button.textContent = word;
    told.textContent = `${word}: ${shown.dataset.copy}`;
    setTimeout(() => { button.textContent = "Copy"; told.textContent = ""; }, 2500);
  });
  shown.after(button);
}
