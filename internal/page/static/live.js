// For pages that show how far something has come; they work without it, by a link that
// loads them anew.
"use strict";

// The page is asked for again now and then, and what it says is put in place of what it
// said, until it says that nothing goes on any more. It can be stopped (WCAG 2.2.2).
function follow(live) {
  const every = 1000 * Number(live.dataset.every);
  const { pause, again, done } = live.dataset;
  const stop = button(pause);
  stop.addEventListener("click", () => {
    running = !running;
    stop.textContent = running ? pause : again;
  });
  live.replaceChildren(stop);
  let running = true;
  const look = async () => {
    if (!running) return;
    let text;
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) {
        location.reload(); // the session is over, or the portal is closed: the page says so
        return;
      }
      text = await answer.text();
    } catch {
      return; // not reached: the next time
    }
    if (!running) return;
    const next = new DOMParser().parseFromString(text, "text/html");
    const here = document.querySelector("main .sheet"), there = next.querySelector("main .sheet");
    if (next.querySelector("[data-every]")) {
      for (const part of here.querySelectorAll("[data-live]")) {
        const fresh = there.querySelector(`[data-live="${part.dataset.live}"]`);
        if (fresh) part.replaceChildren(...fresh.childNodes);
      }
      return;
    }
    clearInterval(timer);
    const within = here.contains(document.activeElement);
    document.title = next.title;
    here.replaceChildren(...there.childNodes);
    const said = document.createElement("p");
    said.className = "unseen";
    said.setAttribute("role", "status");
    here.prepend(said);
    said.textContent = done;
    if (within) document.querySelector("main").focus();
  };
  const timer = setInterval(look, every);
}

for (const live of document.querySelectorAll("[data-every]")) follow(live);
