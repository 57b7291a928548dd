// Who else is here: shown as told, and told while one writes.

import { post, ticket, words } from "./page.js";

const AGAIN = 3000;
let last = 0;

export function showPresence(state) {
  for (const place of document.querySelectorAll("[data-looking]")) {
    const who = state.looking[place.dataset.looking] ?? [];
    const text = who.map((name) => words.tLooks.replace("{who}", name)).join(" ");
    if (place.textContent !== text) place.textContent = text;
  }
  const here = document.getElementById("here");
  const text = state.ticket.here.map(({ name, typing }) => (typing ? words.tTypes : words.tLooks).replace("{who}", name)).join(" ");
  if (here && here.textContent !== text) here.textContent = text;
}

const tell = (going) => post(`/desk/tickets/${ticket}/typing`, { going: going ? "1" : "0" }).catch(() => {});

document.addEventListener("input", (event) => {
  if (event.target.id !== "reply-text") return;
  if (!event.target.value.trim()) { if (last) tell(false); last = 0; return; }
  if (Date.now() - last < AGAIN) return;
  last = Date.now();
  tell(true);
});

document.addEventListener("submit", (event) => {
  if (event.target.id === "reply") last = 0;
});
