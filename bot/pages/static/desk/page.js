// What the modules of the desk share: the page as it stands.

export const page = () => document.getElementById("main");
export const kind = page().dataset.desk;
export const keys = document.getElementById("keys");

/** The page's own address; after a refused step the browser stands on the step's. */
export const address = () => (kind === "ticket" ? `/desk/tickets/${page().dataset.ticket}` : location.href);

export const typing = () => document.activeElement?.matches("textarea, input:not([type=hidden]), select") ?? false;

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
