// The boxes one writes in: reply and note, the curated answer, the count of bytes, the parts, sending once.

import { drafts, showKept } from "./drafts.js";
import { grow, post, ticket } from "./page.js";

const LOOK_AFTER = 300;
let asking = 0;

function insertEntry() {
  const area = document.getElementById("reply-text");
  if (!area) return;
  const links = Array.from(document.querySelectorAll("#entry-links a"), (link) => `${link.dataset.title}: ${link.href}`);
  insertText([document.getElementById("entry-text").textContent.trim(), ...links].join("\n"));
}

/** Put words into the reply where the cursor is, on a line of their own. */
export function insertText(text) {
  const area = document.getElementById("reply-text");
  if (!area) return;
  showTab("reply");
  const lead = area.value && !area.value.slice(0, area.selectionStart).endsWith("\n") && area.selectionStart > 0 ? "\n" : "";
  area.setRangeText(lead + text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
}

// --- two boxes, one at a time ---

export function showTab(name) {
  const bar = document.querySelector("[data-tabs]");
  if (!bar) return;
  for (const tab of bar.querySelectorAll("[role=tab]")) {
    const on = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    const panel = document.getElementById(tab.getAttribute("aria-controls"));
    panel.hidden = !on;
  }
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-tabs] [role=tab]");
  if (tab) showTab(tab.id.replace("tab-", ""));
  if (event.target.closest("#insert")) insertEntry();
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[data-tabs] [role=tab]");
  if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const other = tab.id === "tab-reply" ? "note" : "reply";
  showTab(other);
  document.getElementById(`tab-${other}`).focus();
});

// --- what the channel takes ---

const bytes = (text) => new TextEncoder().encode(text.trim()).length;

function count(area) {
  const { most, quota, tBytes } = area.form.dataset;
  const counter = document.getElementById("counter");
  const used = bytes(area.value);
  const over = Number(most) > 0 && used > Number(most);
  counter.textContent = used && Number(most) ? tBytes.replace("{used}", used.toLocaleString()).replace("{most}", Number(most).toLocaleString()) : "";
  counter.classList.toggle("over", over);
  const parts = document.getElementById("parts");
  if (!over) { parts.hidden = true; return; }
  clearTimeout(asking);
  asking = setTimeout(() => showParts(area, parts, quota), LOOK_AFTER);
}

/** The server divides, so that what is shown is what will be sent. */
async function showParts(area, parts, quota) {
  const text = area.value;
  const response = await post(`/desk/tickets/${ticket}/preview`, { text }).catch(() => null);
  if (!response?.ok || area.value !== text) return;
  const found = await response.json();
  const { tParts, tOver } = area.form.dataset;
  const many = quota !== undefined && found.length > Number(quota);
  parts.querySelector("summary").textContent = (many ? tOver.replace("{left}", quota) : tParts).replace("{count}", found.length);
  parts.querySelector("ol").replaceChildren(...found.map((part) => Object.assign(document.createElement("li"), { textContent: part })));
  parts.hidden = false;
}

document.addEventListener("input", (event) => {
  if (event.target.id === "note-text") grow(event.target);
  if (event.target.id !== "reply-text") return;
  grow(event.target);
  count(event.target);
  drafts.write(ticket, event.target.value);
  showKept(Boolean(event.target.value.trim()));
});

document.addEventListener("restored", (event) => count(event.target));

// --- sending once ---

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.busy) { event.preventDefault(); return; }
  form.dataset.busy = "1";
  setTimeout(() => delete form.dataset.busy, 8000);
  if (form.dataset.draft) drafts.write(form.dataset.draft, form.elements.text.value, true);
});

/** What stands in the box when the page begins is a draft: taken back, refused, or typed before this file was here. */
export function keepTyped() {
  const area = document.getElementById("reply-text");
  if (area?.value.trim()) drafts.write(ticket, area.value);
}
