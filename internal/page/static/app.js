// Three conveniences; every page works without them. A password can be shown while
// it is typed, a key can be copied with one press, and a form is sent once.
"use strict";

function button(text) {
  const b = document.createElement("button");
  b.type = "button";
  b.className = "button quiet";
  b.textContent = text;
  return b;
}

for (const field of document.querySelectorAll(".secret")) {
  const input = field.querySelector("input");
  const label = field.querySelector("label").textContent;
  const b = button(field.dataset.show);
  const show = (yes) => {
    input.type = yes ? "text" : "password";
    b.textContent = yes ? field.dataset.hide : field.dataset.show;
    b.setAttribute("aria-label", `${b.textContent}: ${label}`);
  };
  b.setAttribute("aria-controls", input.id);
  show(false);
  b.addEventListener("click", () => show(input.type === "password"));
  // Sent as a password again, so that the browser does not keep it as text.
  input.form?.addEventListener("submit", () => show(false));
  input.after(b);
}

for (const key of document.querySelectorAll(".key")) {
  if (!navigator.clipboard) break;
  const code = key.querySelector("code");
  const b = button(key.dataset.copy);
  b.setAttribute("aria-live", "polite");
  b.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent.replaceAll(" ", ""));
    } catch {
      getSelection().selectAllChildren(code);
      return;
    }
    b.textContent = key.dataset.copied;
    setTimeout(() => { b.textContent = key.dataset.copy; }, 3000);
  });
  code.after(b);
}

// A second press while the answer is awaited would send a code that was spent by
// the first. What was sent already must keep its button's value: disable afterwards.
addEventListener("submit", (e) => setTimeout(() => {
  for (const b of e.target.querySelectorAll("button:not([type])")) b.disabled = true;
}));
addEventListener("pageshow", (e) => {
  if (e.persisted) for (const b of document.querySelectorAll("button:disabled")) b.disabled = false;
});
