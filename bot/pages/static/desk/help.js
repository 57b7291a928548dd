// Help with the answer: entries, canned replies and earlier answers, found as one types; short codes in the reply.

import { insertText } from "./reply.js";

const PAUSE = 250;
let waiting = 0;
let latest = 0;
let codes = new Map();

function made(name, text, className = "") {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.textContent = text;
  return node;
}

function found(item, insert) {
  const row = made("li", "", "help-item");
  const details = document.createElement("details");
  details.append(made("summary", item.code ? `/${item.code}  ${item.title}` : item.title), made("div", item.text, "answer-draft"));
  row.append(details);
  if (document.getElementById("reply-text")) {
    const button = made("button", insert, "small");
    button.type = "button";
    button.append(made("span", `: ${item.title}`, "visually-hidden"));
    button.addEventListener("click", () => insertText(item.text));
    row.append(button);
  }
  return row;
}

async function look(words) {
  const box = document.getElementById("help");
  const into = document.getElementById("help-found");
  if (!box || !into) return;
  const mine = ++latest;
  let answer;
  try {
    const response = await fetch(`${box.dataset.help}?q=${encodeURIComponent(words)}`, { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    answer = await response.json();
  } catch {
    return; // the next key tries again
  }
  if (mine !== latest) return;
  if (!words) codes = new Map(answer.canned.map((each) => [each.code, each.text]));
  into.replaceChildren();
  for (const [kind, title] of [["canned", box.dataset.tCanned], ["answered", box.dataset.tAnswered], ["entries", box.dataset.tEntries]]) {
    if (!answer[kind].length) continue;
    const list = made("ul", "", "help-list");
    list.setAttribute("aria-label", title);
    list.append(...answer[kind].map((each) => found(each, box.dataset.tInsert)));
    into.append(made("h3", title), list);
  }
  if (!into.children.length) into.append(made("p", box.dataset.tNone, "hint"));
}

document.addEventListener("input", (event) => {
  if (event.target.id === "help-words") {
    clearTimeout(waiting);
    waiting = setTimeout(() => look(event.target.value.trim()), PAUSE);
  }
  if (event.target.id === "reply-text") expand(event.target);
});

/** "/code" and a space become the canned reply of that code. */
function expand(area) {
  const before = area.value.slice(0, area.selectionStart);
  const typed = /(^|\s)\/([a-z0-9_\u4e00-\u9fff-]+)[ \u3000]$/.exec(before);
  const text = typed && codes.get(typed[2]);
  if (!text) return;
  const start = before.length - typed[0].length + typed[1].length;
  area.setRangeText(text, start, before.length, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

export function prepareHelp() {
  const box = document.getElementById("help");
  if (!box || box.dataset.ready) return;
  box.dataset.ready = "1";
  look("");
}
