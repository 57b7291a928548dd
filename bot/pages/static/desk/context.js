// The details beside a conversation: on narrow screens they lie over it when asked for.

export function toggleContext(open) {
  const side = document.getElementById("context");
  const button = document.querySelector("[data-context]");
  if (!side || !button) return;
  const on = typeof open === "boolean" ? open : !side.classList.contains("open");
  const had = side.classList.contains("open");
  side.classList.toggle("open", on);
  button.setAttribute("aria-expanded", String(on));
  if (on) side.querySelector("a, button, [tabindex]")?.focus({ preventScroll: true });
  else if (had && side.contains(document.activeElement)) button.focus();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-context]")) toggleContext();
  else if (event.target.closest("[data-context-close]")) toggleContext(false);
  else if (!event.target.closest("#context")) toggleContext(false);
});
