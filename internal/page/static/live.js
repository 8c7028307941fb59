// For pages that show how far something has come; they work without it, by a link that
// loads them anew.
"use strict";

// The page is asked for again now and then, and what it says is put in place of what it
// said, until it says that nothing goes on any more. It can be stopped (WCAG 2.2.2).
const patience = 10; // looks in a row that may find nothing but a portal that is busy or away

function follow(live) {
  const every = 1000 * Number(live.dataset.every);
  const { pause, again, done } = live.dataset;
  const stop = button(pause);
  const toggle = () => {
    running = !running;
    failed = 0;
    stop.textContent = running ? pause : again;
  };
  stop.addEventListener("click", toggle);
  live.replaceChildren(stop);
  let running = true, failed = 0;
  const look = async () => {
    if (!running) return true;
    let text;
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      const later = answer.status === 503 || answer.status === 429;
      if (answer.redirected || (!answer.ok && !(later && failed < patience))) {
        location.reload(); // the session is over, or the portal is closed: the page says so
        return false;
      }
      if (later) {
        failed++;
        return true;
      }
      text = await answer.text();
    } catch {
      if (++failed > patience) toggle(); // not reached: whoever is there looks again
      return true;
    }
    failed = 0;
    if (!running) return true;
    const page = new DOMParser().parseFromString(text, "text/html");
    const here = document.querySelector("main .sheet"), there = page.querySelector("main .sheet");
    if (page.querySelector("[data-every]")) {
      for (const part of here.querySelectorAll("[data-live]")) {
        const fresh = there.querySelector(`[data-live="${part.dataset.live}"]`);
        if (fresh) part.replaceChildren(...fresh.childNodes);
      }
      return true;
    }
    const within = here.contains(document.activeElement);
    document.title = page.title;
    here.replaceChildren(...there.childNodes);
    const said = document.createElement("p");
    said.className = "unseen";
    said.setAttribute("role", "status");
    here.prepend(said);
    said.textContent = done;
    if (within) document.querySelector("main").focus();
    return false;
  };
  // The next look begins when the last has its answer, and later after each that failed.
  const next = () => setTimeout(async () => (await look()) && next(), every * (1 + Math.min(failed, patience)));
  next();
}

for (const live of document.querySelectorAll("[data-every]")) follow(live);
