// What the modules of the desk share: the page as it stands.

export const page = () => document.getElementById("main");
export const kind = page().dataset.desk;
export const ticket = page().dataset.ticket ?? "";
export const keys = document.getElementById("keys");
export const words = page().dataset;

/** The page's own address; after a refused step the browser stands on the step's. */
export const address = () => (kind === "ticket" ? `/desk/tickets/${ticket}${location.search}` : location.href);

export const writing = () => document.activeElement?.matches("textarea, input:not([type=hidden], [type=checkbox]), select") ?? false;

export function complain(text) {
  const box = document.getElementById("desk-alert");
  if (!box) return;
  box.textContent = text;
  box.hidden = !text;
}

export function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

/** A form's post without leaving the page. */
export function post(path, fields) {
  return fetch(path, { method: "POST", body: new URLSearchParams({ csrf: words.csrf, ...fields }), credentials: "same-origin" });
}

/** Something small that is kept in this browser, if it keeps anything. */
export const kept = {
  read(name) {
    try { return JSON.parse(localStorage.getItem(name)); } catch { return null; }
  },
  write(name, value) {
    try { value === null ? localStorage.removeItem(name) : localStorage.setItem(name, JSON.stringify(value)); } catch { /* not kept */ }
  },
};
