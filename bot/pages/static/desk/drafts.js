// Drafts: a reply that is being written survives a reload, a lost session and a refused sending.

import { grow, kept, kind, ticket } from "./page.js";

const DRAFT_DAYS = 14;
const draftName = (number) => `refdesk.draft.${number}`;

export const drafts = {
  read: (number) => kept.read(draftName(number)),
  write(number, text, sent = false) {
    kept.write(draftName(number), text.trim() ? { text, sent, at: Date.now() } : null);
  },
  tidy() {
    try {
      for (const name of Object.keys(localStorage)) {
        if (!name.startsWith("refdesk.draft.")) continue;
        const draft = kept.read(name);
        if (!draft || Date.now() - draft.at > DRAFT_DAYS * 86400000) localStorage.removeItem(name);
      }
    } catch { /* nothing to tidy */ }
  },
};

const same = (one, other) => one.replace(/\s+/gu, " ").trim() === other.replace(/\s+/gu, " ").trim();

/** Whether a reply with these words stands in the exchange, sent or about to be: then its draft has done its work. */
function arrived(text) {
  return Array.from(document.querySelectorAll("#exchange .from-librarian .text")).some((sent) => same(sent.textContent, text));
}

export function restoreDraft() {
  const form = document.getElementById("reply");
  const draft = kind === "ticket" ? drafts.read(ticket) : null;
  if (draft?.sent && arrived(draft.text)) drafts.write(ticket, "");
  else if (form && draft && !form.elements.text.value) {
    form.elements.text.value = draft.text;
    showKept(true);
  }
  if (form) {
    grow(form.elements.text);
    form.elements.text.dispatchEvent(new Event("restored", { bubbles: true }));
  }
}

export function showKept(on) {
  const note = document.getElementById("draft-kept");
  if (note) note.hidden = !on;
}
