// For pages whose form takes files; they work without it.
"use strict";

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
