// The librarians' pages, kept current. Everything here can also be done by links and forms.

import { drafts, restoreDraft } from "./drafts.js";
import { current, select } from "./keyboard.js";
import { listen, onSwap, refresh, showLive } from "./live.js";
import { showTitle } from "./news.js";
import { kind } from "./page.js";
import "./reply.js";

/** After loading and after each swap: what only works with this file becomes visible. */
function prepare() {
  for (const item of document.querySelectorAll("[data-keys]")) item.hidden = false;
  const insert = document.getElementById("insert");
  if (insert) insert.hidden = !document.getElementById("reply-text");
  showLive();
  if (kind === "queue") select(current());
  else restoreDraft();
  if (kind === "queue") showTitle(Number(document.querySelector('[data-count="waiting"]')?.textContent ?? 0));
}

addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.busy;
  listen();
  refresh();
});

onSwap(prepare);
drafts.tidy();
prepare();
const exchange = document.getElementById("exchange");
if (exchange) exchange.scrollTop = exchange.scrollHeight;
listen();
