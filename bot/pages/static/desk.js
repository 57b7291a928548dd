// The librarians' pages, kept current. Everything here can also be done by links and forms.

const title = document.title;
const page = () => document.getElementById("main");
const kind = page().dataset.desk;
const keys = document.getElementById("keys");
let selected = "";

// --- drafts: a reply that is being written survives a reload, a lost session and a refused sending ---

const DRAFT_DAYS = 14;
const draftName = (ticket) => `refdesk.draft.${ticket}`;

const drafts = {
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

function restoreDraft() {
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

function showKept(on) {
  const note = document.getElementById("draft-kept");
  if (note) note.hidden = !on;
}

function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

// --- keeping current ---

const typing = () => document.activeElement?.matches("textarea, input:not([type=hidden]), select") ?? false;

function complain(text) {
  const box = document.getElementById("desk-alert");
  if (!box) return;
  box.textContent = text;
  box.hidden = !text;
}

/** The page's own address; after a refused step the browser stands on the step's. */
const address = () => (kind === "ticket" ? `/desk/tickets/${page().dataset.ticket}` : location.href);

const seen = new Map();

/** Whether this part is other than when last fetched: the server also tells of nothing, as a heartbeat. */
function news(part) {
  const before = seen.get(part.id);
  seen.set(part.id, part.outerHTML);
  return before !== part.outerHTML;
}

async function fresh() {
  const response = await fetch(address(), { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (new URL(response.url).pathname.startsWith("/login") || response.status === 401 || response.status === 403) {
    complain(page().dataset.tSignedOut);
    return null;
  }
  return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
}

let refreshing = false;
let again = false;

async function refresh() {
  if (refreshing) { again = true; return; }
  refreshing = true;
  try {
    const found = await fresh();
    if (found) kind === "queue" ? swapQueue(found) : swapTicket(found);
  } catch { /* the next change tries again */ }
  refreshing = false;
  if (again) { again = false; refresh(); }
}

function swapQueue(found) {
  const incoming = found.getElementById("main");
  if (!incoming || typing() || !news(incoming)) return;
  const focused = document.activeElement?.closest?.(".ticket")?.dataset.ticket;
  const onClaim = document.activeElement?.matches?.(".ticket-claim button");
  page().replaceWith(document.adoptNode(incoming));
  prepare();
  if (focused) document.querySelector(`.ticket[data-ticket="${focused}"] ${onClaim ? ".ticket-claim button" : ".ticket-link"}`)?.focus({ preventScroll: true });
}

/** Sections are swapped one by one; the reply stays while it is in use and the ticket is still ours. */
function swapTicket(found) {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const incoming = found.getElementById(part.id);
    if (!incoming || !news(incoming) || incoming.isEqualNode(part)) continue;
    if (part.id === "answer" && part.dataset.refresh === incoming.dataset.refresh) continue;
    if (part.id === "answer" && part.contains(document.activeElement) && document.activeElement.matches("textarea") && incoming.querySelector("#reply")) {
      part.dataset.refresh = incoming.dataset.refresh;
      continue;
    }
    const low = part.scrollHeight - part.scrollTop - part.clientHeight < 60;
    const scrolled = part.scrollTop;
    part.replaceWith(document.adoptNode(incoming));
    incoming.scrollTop = low ? incoming.scrollHeight : scrolled;
  }
  prepare();
}

function showCounts(counts) {
  document.title = counts.waiting ? `(${counts.waiting}) ${title}` : title;
  const spoken = document.getElementById("desk-news");
  const text = counts.waiting ? page().dataset.tNews.replace("{count}", counts.waiting) : "";
  if (spoken && spoken.textContent !== text) spoken.textContent = text;
}

let live = true;
let pause = 2000;

function showLive() {
  for (const badge of document.querySelectorAll("[data-live-state]")) {
    badge.hidden = false;
    badge.classList.toggle("lost", !live);
  }
}

let missed = false;

function listen() {
  const source = new EventSource("/desk/events");
  source.addEventListener("open", () => {
    live = true;
    pause = 2000;
    showLive();
    if (missed) refresh();
    missed = false;
  });
  source.addEventListener("changed", (event) => { showCounts(JSON.parse(event.data)); refresh(); });
  source.addEventListener("error", () => {
    live = false;
    missed = true;
    showLive();
    if (source.readyState !== EventSource.CLOSED) return;
    refresh(); // tells a lost session from a lost connection
    setTimeout(listen, pause);
    pause = Math.min(pause * 2, 60000);
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}

// --- keyboard ---

const tickets = () => Array.from(document.querySelectorAll(".ticket"));

function select(item) {
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

// --- clicks and forms, by delegation: the sections may be swapped ---

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
  if (event.target.closest("[data-keys]")) keys.showModal();
});

document.addEventListener("focusin", (event) => {
  const item = event.target.closest?.(".ticket");
  if (item) select(item);
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

addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.busy;
  listen();
  refresh();
});

/** After loading and after each swap: what only works with this file becomes visible. */
function prepare() {
  for (const item of document.querySelectorAll("[data-keys]")) item.hidden = false;
  const insert = document.getElementById("insert");
  if (insert) insert.hidden = !document.getElementById("reply-text");
  showLive();
  if (kind === "queue") select(tickets().find((item) => item.dataset.ticket === selected));
  else restoreDraft();
  const waiting = Number(document.querySelector('[data-count="waiting"]')?.textContent ?? 0);
  if (kind === "queue") document.title = waiting ? `(${waiting}) ${title}` : title;
}

drafts.tidy();
prepare();
const exchange = document.getElementById("exchange");
if (exchange) exchange.scrollTop = exchange.scrollHeight;
listen();
