// The keyboard: everything at the desk without a mouse.

import { toggleContext } from "./context.js";
import { keys, writing } from "./page.js";
import { showTab } from "./reply.js";

let selected = "";

export const tickets = () => Array.from(document.querySelectorAll(".ticket"));

/** The selected ticket's item, if it is still there. */
export const current = () => tickets().find((item) => item.dataset.ticket === selected);

export function select(item) {
  for (const other of tickets()) other.classList.toggle("selected", other === item);
  selected = item?.dataset.ticket ?? "";
}

function move(step) {
  const all = tickets();
  if (!all.length) return;
  const from = selected || document.querySelector(".ticket.is-open")?.dataset.ticket;
  const at = all.findIndex((item) => item.dataset.ticket === from);
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  select(next);
  next.querySelector(".ticket-link").focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function claim() {
  const item = document.activeElement?.closest?.(".ticket");
  const here = item?.querySelector("form[data-claim]") ?? document.querySelector(".composer form[data-claim]") ?? current()?.querySelector("form[data-claim]");
  here?.requestSubmit();
}

function write(tab, field) {
  showTab(tab);
  document.getElementById(field)?.focus();
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  c: claim,
  r: () => write("reply", "reply-text"),
  n: () => write("note", "note-text"),
  u: () => document.querySelector(".undo, form[data-undo]")?.requestSubmit(),
  e: toggleContext,
  "/": () => { const box = document.getElementById("search"); box?.offsetParent ? box.focus() : location.assign("/desk#search"); },
  "?": () => keys.showModal(),
};

addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  const area = event.target.closest?.("textarea");
  if (area && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    area.form.requestSubmit(event.shiftKey ? document.querySelector('button[form="reply"][name="then"]') : undefined);
    return;
  }
  if (event.key === "Escape") leave(event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || writing() || keys.open) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

/** Escape: out of the box one writes in, and out of an open menu. */
function leave(target) {
  const menu = target.closest?.("details.menu[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); return; }
  if (target.matches?.("textarea, input")) target.blur();
  else toggleContext(false);
}

document.addEventListener("focusin", (event) => {
  const item = event.target.closest?.(".ticket");
  if (item) select(item);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys]")) keys.showModal();
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
