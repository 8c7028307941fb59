// For pages whose form takes files; they work without it.
"use strict";

// Files may take long: they are sent from here, and the page that comes back is
// shown as if the browser had sent them itself. Only the form with its faults takes the
// place of the form: what refuses it for now would take what was typed with it.
for (const form of document.querySelectorAll("form[data-sending]")) {
  const text = document.createElement("p"), bar = document.createElement("progress");
  text.className = "hint";
  text.setAttribute("role", "status");
  bar.max = 1;
  bar.setAttribute("aria-label", form.dataset.sending);
  const refused = (why) => {
    text.textContent = why;
    bar.remove();
    for (const b of form.querySelectorAll("button:disabled")) b.disabled = false;
  };
  form.addEventListener("submit", (e) => {
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    if (files.length === 0) return;
    e.preventDefault();
    bar.value = 0;
    form.append(text, bar);
    text.textContent = form.dataset.sending;
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (p) => {
      if (p.lengthComputable) bar.value = p.loaded / p.total;
    });
    request.addEventListener("load", () => {
      if (request.status === 200) {
        location.assign(request.responseURL);
        return;
      }
      if (request.status === 422) {
        document.open();
        document.write(request.responseText);
        document.close();
        return;
      }
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const said = [...page.querySelectorAll("main .sheet > :is(h1, p:not(.actions))")].map((p) => p.textContent.trim());
      refused(said.join(" ") || form.dataset.broken);
    });
    request.addEventListener("error", () => refused(form.dataset.broken));
    request.open("POST", form.action);
    request.send(new FormData(form, e.submitter));
  });
}
