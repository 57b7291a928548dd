// Keeping current: the server tells the whole state at a glance; what is other than shown is fetched anew.

import { address, complain, kind, ticket, words } from "./page.js";
import { announce } from "./news.js";
import { showPresence } from "./presence.js";

let swapped = () => {};
const seen = new Map();
let known = null;
let live = true;
let pause = 2000;
let refreshing = false;
let again = false;

/** What is to be done after parts were swapped. */
export function onSwap(work) {
  swapped = work;
}

/** Whether this part is other than when last fetched. */
function news(part) {
  const before = seen.get(part.id);
  seen.set(part.id, part.outerHTML);
  return before !== part.outerHTML;
}

async function fresh() {
  const response = await fetch(address(), { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (new URL(response.url).pathname.startsWith("/login") || response.status === 401 || response.status === 403) {
    complain(words.tSignedOut);
    return null;
  }
  return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
}

export async function refresh() {
  if (refreshing) { again = true; return; }
  refreshing = true;
  try {
    const found = await fresh();
    if (found) swap(found);
  } catch { /* the next change tries again */ }
  refreshing = false;
  if (again) { again = false; refresh(); }
}

const writes = (part) => part.contains(document.activeElement) && document.activeElement.matches("textarea, input, select");

/** Parts are swapped one by one. What somebody writes in stays as it is, and so does a menu that is open. */
function swap(found) {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const incoming = found.getElementById(part.id);
    if (!incoming || !news(incoming) || incoming.isEqualNode(part)) continue;
    if (part.id === "answer" && part.dataset.refresh === incoming.dataset.refresh) continue;
    if (part.id === "answer" && writes(part) && incoming.querySelector("#reply") && part.querySelector("#reply")) {
      part.dataset.refresh = incoming.dataset.refresh;
      continue;
    }
    if (part.querySelector("details.menu[open]") && part.id !== "answer") { seen.delete(part.id); continue; }
    replace(part, incoming);
  }
  swapped();
}

function replace(part, incoming) {
  const low = part.scrollHeight - part.scrollTop - part.clientHeight < 60;
  const scrolled = part.scrollTop;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const item = focused?.closest(".ticket")?.dataset.ticket;
  const place = item ? `.ticket[data-ticket="${CSS.escape(item)}"] ${focused.matches("button") ? ".ticket-claim button" : ".ticket-link"}` : focused?.id ? `#${CSS.escape(focused.id)}` : "";
  part.replaceWith(document.adoptNode(incoming));
  incoming.scrollTop = low && part.id === "exchange" ? incoming.scrollHeight : scrolled;
  if (focused) (place && document.querySelector(place) || (item && document.querySelector(`.ticket[data-ticket="${CSS.escape(item)}"] .ticket-link`)) || incoming).focus?.({ preventScroll: true });
}

/** Whether something has happened since the page was made, or since the last news. Who looks is shown without fetching. */
function stale(state) {
  if (known === null) return state.stamp !== words.stamp || (kind === "ticket" && state.ticket.stamp !== words.ticketStamp);
  return state.stamp !== known.stamp || state.ticket.stamp !== known.ticket.stamp || state.alerts !== known.alerts;
}

function heard(state) {
  showPresence(state);
  announce(state, known);
  if (stale(state)) setTimeout(refresh, Math.random() * 150); // not everybody in the same instant
  known = state;
}

function showLive() {
  const badge = document.querySelector("[data-live-state]");
  badge?.classList.remove("opening");
  badge?.classList.toggle("lost", !live);
}

export function listen() {
  const source = new EventSource(`/desk/events${kind === "ticket" ? `?ticket=${ticket}` : ""}`);
  source.addEventListener("open", () => {
    live = true;
    pause = 2000;
    showLive();
  });
  source.addEventListener("changed", (event) => heard(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    live = false;
    showLive();
    if (source.readyState !== EventSource.CLOSED) return;
    refresh(); // tells a lost session from a lost connection
    setTimeout(listen, pause);
    pause = Math.min(pause * 2, 60000);
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}

// A list that is not told of changes still grows older: waiting times are fetched anew now and then.
setInterval(() => { if (live && !document.hidden) refresh(); }, 60000);
