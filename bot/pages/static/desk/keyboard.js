// The keyboard: everything at the desk without a mouse.

import { keys, kind, typing } from "./page.js";

let selected = "";

/** The selected ticket's item, if it is still there. */
export const current = () => tickets().find((item) => item.dataset.ticket === selected);

export const tickets = () => Array.from(document.querySelectorAll(".ticket"));

export function select(item) {
  for (const other of tickets()) other.classList.toggle("selected", other === item);
  selected = item?.dataset.ticket ?? "";
}

function move(step) {
  const all = tickets();
  if (!all.length) return;
  const at = all.findIndex((item) => item.dataset.ticket === selected);
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  select(next);
  const link = next.querySelector(".ticket-link");
  link.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function claim() {
  const scope = kind === "queue" ? document.querySelector(`.ticket[data-ticket="${selected}"]`) : document;
  scope?.querySelector("form[data-claim]")?.requestSubmit();
}

const actions = {
  j: () => kind === "queue" && move(1),
  k: () => kind === "queue" && move(-1),
  c: claim,
  r: () => document.getElementById("reply-text")?.focus(),
  "?": () => keys.showModal(),
};

addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  const area = event.target.closest?.("#reply-text");
  if (area && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    area.form.requestSubmit();
    return;
  }
  if (area && event.key === "Escape") area.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || typing() || keys.open) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("focusin", (event) => {
  const item = event.target.closest?.(".ticket");
  if (item) select(item);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys]")) keys.showModal();
});
