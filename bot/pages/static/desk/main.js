// The librarians' pages, kept current. Everything here can also be done by links and forms.

import "./clocks.js";
import "./context.js";
import "./search.js";
import { drafts, restoreDraft } from "./drafts.js";
import { prepareHelp } from "./help.js";
import { current, select } from "./keyboard.js";
import { listen, onSwap, refresh } from "./live.js";
import { prepareSwitches, showTitle } from "./news.js";
import { page } from "./page.js";
import { keepTyped } from "./reply.js";

const LIST = "refdesk.list";

/** After loading and after each swap. Nothing may move here: somebody is pressing a button at that moment (see plain.css). */
function prepare() {
  const insert = document.getElementById("insert");
  if (insert) insert.hidden = !document.getElementById("reply-text");
  prepareHelp();
  select(current());
  restoreDraft();
  showTitle(Number(document.querySelector('[data-count="waiting"]')?.textContent ?? 0));
}

// A picture that the platform has deleted leaves its name and address, not a broken frame.
function lost(image) {
  if (image.matches?.(".sent-picture img")) image.closest("a").hidden = true;
}

document.addEventListener("error", (event) => lost(event.target), true);

addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.busy;
  listen();
  refresh();
});

// Opening a ticket leaves the list where it was scrolled to.
addEventListener("pagehide", () => {
  try { sessionStorage.setItem(LIST, JSON.stringify([location.search, document.getElementById("list")?.scrollTop ?? 0])); } catch { /* not kept */ }
});

function scrollList() {
  const list = document.getElementById("list");
  try {
    const [search, top] = JSON.parse(sessionStorage.getItem(LIST)) ?? [];
    if (list && search === location.search) list.scrollTop = top;
  } catch { /* it begins at the top */ }
  document.querySelector(".ticket.is-open")?.scrollIntoView({ block: "nearest" });
}

onSwap(prepare);
drafts.tidy();
keepTyped();
prepareSwitches();
prepare();
scrollList();
const exchange = document.getElementById("exchange");
const found = /^#m\d+$/u.test(location.hash) ? document.getElementById(location.hash.slice(1)) : null;
if (found) found.scrollIntoView({ block: "center" });
else if (exchange) exchange.scrollTop = exchange.scrollHeight;
if (location.hash === "#search") document.getElementById("search")?.focus();
listen();
page().dataset.ready = "";
