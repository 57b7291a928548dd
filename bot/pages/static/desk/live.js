// Keeping current: the server tells of changes, and the parts of the page that changed are fetched anew.

import { address, complain, kind, page, typing } from "./page.js";
import { showTitle } from "./news.js";

let swapped = () => {};

/** What is to be done after parts were swapped. */
export function onSwap(work) {
  swapped = work;
}

const seen = new Map();

/** Whether this part is other than when last fetched: the server also tells of nothing, as a heartbeat. */
function news(part) {
  const before = seen.get(part.id);
  seen.set(part.id, part.outerHTML);
  return before !== part.outerHTML;
}

async function fresh() {
  const response = await fetch(address(), { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (new URL(response.url).pathname.startsWith("/login") || response.status === 401 || response.status === 403) {
    complain(page().dataset.tSignedOut);
    return null;
  }
  return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
}

let refreshing = false;
let again = false;

export async function refresh() {
  if (refreshing) { again = true; return; }
  refreshing = true;
  try {
    const found = await fresh();
    if (found) kind === "queue" ? swapQueue(found) : swapTicket(found);
  } catch { /* the next change tries again */ }
  refreshing = false;
  if (again) { again = false; refresh(); }
}

function swapQueue(found) {
  const incoming = found.getElementById("main");
  if (!incoming || typing() || !news(incoming)) return;
  const focused = document.activeElement?.closest?.(".ticket")?.dataset.ticket;
  const onClaim = document.activeElement?.matches?.(".ticket-claim button");
  page().replaceWith(document.adoptNode(incoming));
  swapped();
  if (focused) document.querySelector(`.ticket[data-ticket="${focused}"] ${onClaim ? ".ticket-claim button" : ".ticket-link"}`)?.focus({ preventScroll: true });
}

/** Sections are swapped one by one; the reply stays while it is in use and the ticket is still ours. */
function swapTicket(found) {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const incoming = found.getElementById(part.id);
    if (!incoming || !news(incoming) || incoming.isEqualNode(part)) continue;
    if (part.id === "answer" && part.dataset.refresh === incoming.dataset.refresh) continue;
    if (part.id === "answer" && part.contains(document.activeElement) && document.activeElement.matches("textarea") && incoming.querySelector("#reply")) {
      part.dataset.refresh = incoming.dataset.refresh;
      continue;
    }
    const low = part.scrollHeight - part.scrollTop - part.clientHeight < 60;
    const scrolled = part.scrollTop;
    part.replaceWith(document.adoptNode(incoming));
    incoming.scrollTop = low ? incoming.scrollHeight : scrolled;
  }
  swapped();
}


let live = true;
let pause = 2000;

export function showLive() {
  for (const badge of document.querySelectorAll("[data-live-state]")) {
    badge.hidden = false;
    badge.classList.toggle("lost", !live);
  }
}

let missed = false;

export function listen() {
  const source = new EventSource("/desk/events");
  source.addEventListener("open", () => {
    live = true;
    pause = 2000;
    showLive();
    if (missed) refresh();
    missed = false;
  });
  source.addEventListener("changed", (event) => { showTitle(JSON.parse(event.data).waiting); refresh(); });
  source.addEventListener("error", () => {
    live = false;
    missed = true;
    showLive();
    if (source.readyState !== EventSource.CLOSED) return;
    refresh(); // tells a lost session from a lost connection
    setTimeout(listen, pause);
    pause = Math.min(pause * 2, 60000);
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}
