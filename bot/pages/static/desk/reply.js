// The reply box: inserting the curated answer, keeping the draft, sending once.

import { drafts, showKept } from "./drafts.js";
import { grow, page } from "./page.js";

function insertEntry() {
  const area = document.getElementById("reply-text");
  if (!area) return;
  const links = Array.from(document.querySelectorAll("#entry-links a"), (link) => `${link.dataset.title}: ${link.href}`);
  const text = [document.getElementById("entry-text").textContent.trim(), ...links].join("\n");
  const lead = area.value && !area.value.slice(0, area.selectionStart).endsWith("\n") && area.selectionStart > 0 ? "\n" : "";
  area.setRangeText(lead + text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#insert")) insertEntry();
});

document.addEventListener("input", (event) => {
  if (event.target.id !== "reply-text") return;
  grow(event.target);
  drafts.write(page().dataset.ticket, event.target.value);
  showKept(Boolean(event.target.value.trim()));
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.busy) { event.preventDefault(); return; }
  form.dataset.busy = "1";
  setTimeout(() => delete form.dataset.busy, 8000);
  if (form.dataset.draft) drafts.write(form.dataset.draft, form.elements.text.value, true);
});
