// Four conveniences; every page works without them. A password can be shown while
// it is typed, a key can be copied with one press, a form is sent once, and one with
// files tells how far it has come.
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

// Files may take long: they are sent from here, and the page that comes back is
// shown as if the browser had sent them itself.
for (const form of document.querySelectorAll("form[data-sending]")) {
  form.addEventListener("submit", (e) => {
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    if (files.length === 0) return;
    e.preventDefault();
    const request = new XMLHttpRequest(), bar = document.createElement("progress"), text = document.createElement("p");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", form.dataset.sending);
    text.className = "hint";
    text.setAttribute("role", "status");
    text.textContent = form.dataset.sending;
    form.append(text, bar);
    request.upload.addEventListener("progress", (p) => {
      if (p.lengthComputable) bar.value = p.loaded / p.total;
    });
    request.addEventListener("load", () => {
      const there = new URL(request.responseURL);
      if (request.status === 200) {
        location.assign(there);
        return;
      }
      document.open();
      document.write(request.responseText);
      document.close();
    });
    request.addEventListener("error", () => {
      text.textContent = form.dataset.broken;
      bar.remove();
      for (const b of form.querySelectorAll("button:disabled")) b.disabled = false;
    });
    request.open("POST", form.action);
    request.send(new FormData(form, e.submitter));
  });
}
