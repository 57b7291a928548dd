// Drafts: a reply that is being written survives a reload, a lost session and a refused sending.

import { grow, page } from "./page.js";

const DRAFT_DAYS = 14;
const draftName = (ticket) => `refdesk.draft.${ticket}`;

export const drafts = {
  read(ticket) {
    try { return JSON.parse(localStorage.getItem(draftName(ticket))); } catch { return null; }
  },
  write(ticket, text, sent = false) {
    try {
      if (text.trim()) localStorage.setItem(draftName(ticket), JSON.stringify({ text, sent, at: Date.now() }));
      else localStorage.removeItem(draftName(ticket));
    } catch { /* not kept */ }
  },
  tidy() {
    try {
      for (const name of Object.keys(localStorage)) {
        if (!name.startsWith("refdesk.draft.")) continue;
        const draft = JSON.parse(localStorage.getItem(name));
        if (!draft || Date.now() - draft.at > DRAFT_DAYS * 86400000) localStorage.removeItem(name);
      }
    } catch { /* nothing to tidy */ }
  },
};

const same = (one, other) => one.replace(/\s+/gu, " ").trim() === other.replace(/\s+/gu, " ").trim();

/** Whether a reply with these words stands in the exchange: then its draft has done its work. */
function arrived(text) {
  return Array.from(document.querySelectorAll("#exchange .from-librarian .text")).some((sent) => same(sent.textContent, text));
}

export function restoreDraft() {
  const form = document.getElementById("reply");
  const ticket = page().dataset.ticket;
  const draft = ticket ? drafts.read(ticket) : null;
  if (draft?.sent && arrived(draft.text)) drafts.write(ticket, "");
  else if (form && draft && !form.elements.text.value) {
    form.elements.text.value = draft.text;
    showKept(true);
  }
  if (form) grow(form.elements.text);
}

export function showKept(on) {
  const note = document.getElementById("draft-kept");
  if (note) note.hidden = !on;
}
