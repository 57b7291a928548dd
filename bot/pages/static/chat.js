// The chat page, made quicker. Without this file every form still works; with it nothing reloads.
// Lines are known by their number, so that a line heard twice (answer and event stream) is shown once.

const main = document.getElementById("main");
const WEB = /https?:\/\/[^\s<>"'“”‘’「」《》（）()，。；、！？\u3000-\u303f\uff00-\uffef]+/gu;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Addresses inside a text become links; everything else stays text. */
function linked(text) {
  const parts = document.createDocumentFragment();
  let from = 0;
  for (const match of text.matchAll(WEB)) {
    const address = match[0].replace(/[.,;:!?]+$/u, "");
    parts.append(text.slice(from, match.index), make("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address));
    from = match.index + address.length;
  }
  parts.append(text.slice(from));
  return parts;
}

/** The reader's own clock: the time alone for today, else with the day. */
function shownTime(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const two = (number) => String(number).padStart(2, "0");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return at.toDateString() === new Date().toDateString() ? time : `${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

function enhanceText(root) {
  for (const text of root.querySelectorAll(".from-bot .text, .from-librarian .text")) text.replaceChildren(linked(text.textContent));
}

/** A store that may be refused (private window, embedded frame); then nothing is kept. */
const kept = {
  read(name, otherwise) {
    try { return JSON.parse(sessionStorage.getItem(name)) ?? otherwise; } catch { return otherwise; }
  },
  write(name, value) {
    try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* not kept */ }
  },
};

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function startChat() {
  const say = main.dataset;
  const find = (id) => document.getElementById(id);
  const [lines, log, typing, alertBox, composer, input] = ["lines", "log", "typing", "alert", "composer", "text"].map(find);
  const names = { patron: say.tYou, bot: say.tBot, librarian: say.tLibrarian };
  const title = document.title;
  const rated = new Set(kept.read("refdesk.rated", []));
  let outbox = kept.read("refdesk.outbox", []);
  let sending = false;
  let unread = 0;

  // --- lines ---

  const known = (id) => lines.querySelector(`[data-id="${Number(id)}"]`);
  const newest = () => Math.max(0, ...Array.from(lines.querySelectorAll("[data-id]"), (line) => Number(line.dataset.id)));

  function byline(who) {
    const text = who === "patron" ? make("span", { class: "visually-hidden" }, say.tSays.replace("{who}", names.patron)) : names[who];
    return make("p", { class: "by" }, text ?? "");
  }

  function linkList(links) {
    const usable = links.filter((link) => /^https?:\/\//iu.test(link.url));
    const chip = (link) => make("a", { class: "chip", href: link.url, target: "_blank", rel: "noopener noreferrer" }, link.title, make("span", { class: "visually-hidden" }, ` (${say.tOpensNew})`));
    return usable.length ? [make("ul", { class: "links", "aria-label": say.tLinks }, ...usable.map((link) => make("li", {}, chip(link))))] : [];
  }

  function choiceForm(choice) {
    const button = make("button", { class: "choice", type: "submit", name: "choice", value: choice.value }, make("span", { class: "key" }, choice.key), make("span", {}, choice.title));
    return make("form", { method: "post", action: "/chat/messages" }, make("input", { type: "hidden", name: "text", value: choice.title }), button);
  }

  function choiceList(choices) {
    return choices.length ? [make("div", { class: "choices", role: "group", "aria-label": say.tChoices }, ...choices.map(choiceForm))] : [];
  }

  function feedbackForm(id) {
    const button = (value, text) => make("button", { class: "small", type: "submit", name: "helpful", value, "aria-describedby": `ask-${id}` }, text);
    const ask = make("span", { class: "feedback-ask", id: `ask-${id}` }, say.tHelpful);
    return make("form", { class: "feedback", method: "post", action: "/chat/feedback" }, make("input", { type: "hidden", name: "message", value: id }), ask, button("1", say.tHelpfulYes), button("0", say.tHelpfulNo));
  }

  function build(line) {
    const who = line.who in names ? line.who : "bot";
    const text = make("div", { class: "text", dir: "auto" }, who === "patron" ? line.text : linked(line.text));
    const bubble = make("div", { class: "bubble" }, text, ...linkList(line.links ?? []), ...choiceList(line.choices ?? []));
    const time = make("p", { class: "meta" }, ...(line.at ? [make("time", { datetime: line.at }, shownTime(line.at))] : []));
    const item = make("li", { class: `line from-${who}` }, byline(who), bubble, time);
    if (line.entry && line.kind === "answer" && !rated.has(line.id)) item.append(feedbackForm(line.id));
    return item;
  }

  /** Put a line where its number belongs; what has no number yet stays below. */
  function place(item, id) {
    item.dataset.id = id;
    item.id = `line-${id}`;
    const before = Array.from(lines.children).filter((other) => other !== item && Number(other.dataset.id) < id).pop();
    if (before ? before.nextElementSibling === item : lines.firstElementChild === item) return;
    if (before) before.after(item);
    else lines.prepend(item);
  }

  /** An own message that the server now knows takes over the bubble that was shown at once. */
  function adopt(line, own) {
    const waiting = Array.from(lines.querySelectorAll(".from-patron[data-sent]:not([data-id])"));
    const bubble = waiting.find((item) => item.dataset.sent === own) ?? waiting.find((item) => item.querySelector(".text").textContent.trim() === line.text.trim());
    if (!bubble) return false;
    bubble.querySelector(".text").textContent = line.text;
    confirm(bubble, line.at);
    place(bubble, line.id);
    return true;
  }

  function confirm(bubble, at) {
    bubble.classList.remove("unsent", "refused");
    bubble.querySelector(".meta").replaceChildren(...(at ? [make("time", { datetime: at }, shownTime(at))] : []));
  }

  function show(line, own = "") {
    const id = Number(line.id);
    if (!id || known(id)) return null;
    if (line.who === "patron") retire();
    if (line.who === "patron" && adopt(line, own)) return null;
    const item = build(line);
    find("empty")?.remove();
    place(item, id);
    return item;
  }

  /** Buttons that no longer stand for anything become a plain list. */
  function retire() {
    for (const group of lines.querySelectorAll("div.choices")) {
      const items = Array.from(group.querySelectorAll("button.choice"), (button) => make("li", { class: "choice" }, ...button.childNodes));
      group.replaceWith(make("ul", { class: "choices past" }, ...items));
    }
  }

  /** Bring news into view; of a long answer, its beginning. */
  function reveal(item) {
    if (!item) return;
    const asked = item.previousElementSibling?.matches(".from-patron") ? item.previousElementSibling : item;
    log.scrollTop = 0;
    if (asked.getBoundingClientRect().top < log.getBoundingClientRect().top) asked.scrollIntoView({ block: "start" });
  }

  function showAll(received, own) {
    const shown = received.map((line) => show(line, own)).filter(Boolean);
    reveal(shown[0]);
    return shown;
  }

  // --- who speaks ---

  function setState(state, ticket) {
    if (!state) return;
    const number = ticket || main.dataset.ticket;
    main.dataset.state = state;
    main.dataset.ticket = number;
    const fill = (text) => text.replace("{ticket}", number);
    const [text, more] = { waiting: [say.tWaiting, say.tWaitingMore], human: [say.tHuman, Number(number) ? say.tHumanMore : ""] }[state] ?? ["", ""];
    find("banner-text").textContent = fill(text);
    find("banner-more").textContent = fill(more);
    find("banner-state").hidden = !text;
    find("person").hidden = state !== "bot";
    input.placeholder = text ? say.tPlaceholderTicket : say.tPlaceholder;
  }

  /** The server names the sentence that explains a refusal; the page has it in its language. */
  function words(body, otherwise) {
    return { empty: say.tEmpty, too_many: say.tTooMany, too_long: say.tTooLong, not_stored: say.tNotStored }[body.error] ?? otherwise;
  }

  function warn(text) {
    alertBox.textContent = text;
    alertBox.hidden = !text;
  }

  // --- sending: one at a time, in order; a repeat carries the same id and is stored once ---

  function enqueue(text, choice = "") {
    const message = { id: newId(), text, choice };
    retire();
    outbox.push(message);
    keepOutbox();
    reveal(preview(message));
    work();
  }

  function keepOutbox() {
    kept.write("refdesk.outbox", outbox.map(({ id, text, choice }) => ({ id, text, choice })));
  }

  function preview(message) {
    const item = build({ who: "patron", text: message.text });
    item.dataset.sent = message.id;
    item.classList.add("unsent");
    item.querySelector(".meta").textContent = say.tSending;
    find("empty")?.remove();
    lines.append(item);
    return item;
  }

  const bubbleOf = (message) => lines.querySelector(`[data-sent="${message.id}"]`);

  async function work() {
    if (sending) return;
    sending = true;
    while (outbox.length && !outbox[0].refused) await send(outbox[0]);
    sending = false;
    typing.hidden = true;
  }

  async function send(message) {
    typing.hidden = main.dataset.state !== "bot";
    if (!typing.hidden) log.scrollTop = 0;
    const { status, body } = await post(`/chat/messages?after=${message.again ? 0 : newest()}`, { id: message.id, text: message.text, choice: message.choice });
    typing.hidden = true;
    if (status === 200) return accepted(message, body);
    if (status === 400 || status === 413) return returned(message, words(body, say.tFailed));
    message.refused = true;
    refused(message, words(body, say.tOffline));
  }

  async function post(address, content) {
    const halt = new AbortController();
    const timer = setTimeout(() => halt.abort(), 30000);
    try {
      const response = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(content), credentials: "same-origin", signal: halt.signal });
      const body = await response.json();
      return { status: response.ok ? 200 : response.status, body };
    } catch {
      return { status: 0, body: {} };
    } finally {
      clearTimeout(timer);
    }
  }

  function accepted(message, body) {
    forget(message);
    warn("");
    const received = body.lines ?? [];
    const shown = showAll(received, message.id);
    const bubble = bubbleOf(message);
    if (bubble && !bubble.dataset.id) {
      if (received.some((line) => line.who === "patron" && known(line.id))) bubble.remove();
      else { confirm(bubble, new Date().toISOString()); shown[0]?.before(bubble); }
    }
    setState(body.state, body.ticket);
    listen();
  }

  function forget(message) {
    outbox = outbox.filter((other) => other.id !== message.id);
    keepOutbox();
  }

  /** What cannot be sent as it is goes back to where it was typed. */
  function returned(message, text) {
    forget(message);
    bubbleOf(message)?.remove();
    if (!message.choice) input.value = input.value ? `${message.text}\n${input.value}` : message.text;
    grow();
    keepDraft();
    warn(text);
    input.focus();
  }

  function refused(message, text) {
    const bubble = bubbleOf(message) ?? preview(message);
    bubble.classList.remove("unsent");
    bubble.classList.add("refused");
    const again = make("button", { class: "plain retry", type: "button" }, say.tRetry);
    again.addEventListener("click", retry);
    bubble.querySelector(".meta").replaceChildren(`${say.tFailed} `, again);
    warn(text);
  }

  function retry() {
    warn("");
    for (const message of outbox) {
      delete message.refused;
      message.again = true; // it may be stored already: ask for the whole exchange
      const bubble = bubbleOf(message);
      bubble?.classList.replace("refused", "unsent");
      if (bubble) bubble.querySelector(".meta").textContent = say.tSending;
    }
    input.focus();
    work();
  }

  // --- forms ---

  async function rate(form, helpful) {
    const message = Number(form.elements.message.value);
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    const { status, body } = await post(`/chat/feedback?after=${newest()}`, { message, helpful });
    if (status !== 200) {
      for (const button of form.querySelectorAll("button")) button.disabled = false;
      warn(words(body, status ? say.tFailed : say.tOffline));
      return;
    }
    rated.add(message);
    kept.write("refdesk.rated", Array.from(rated));
    warn("");
    form.replaceWith(make("p", { class: "feedback", role: "status" }, say.tThanks));
    showAll(body.lines ?? [], "");
    setState(body.state, body.ticket);
  }

  main.addEventListener("submit", (event) => {
    const form = event.target;
    const pressed = event.submitter;
    const action = form.getAttribute("action");
    if (action === "/chat/feedback" && pressed) {
      event.preventDefault();
      rate(form, pressed.value === "1");
    } else if (action === "/chat/messages") {
      event.preventDefault();
      if (form === composer) sendTyped();
      else if (pressed?.name === "choice") { enqueue(form.elements.text.value, pressed.value); input.focus(); }
      else if (pressed?.name === "text") { enqueue(pressed.value); input.focus(); }
    }
  });

  function sendTyped() {
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    grow();
    keepDraft();
    enqueue(text);
  }

  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    sendTyped();
  });

  function grow() {
    if (CSS.supports("field-sizing", "content")) return;
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight + 2}px`;
  }

  function keepDraft() {
    kept.write("refdesk.draft", input.value);
  }

  input.addEventListener("input", () => { grow(); keepDraft(); });

  // --- listening ---

  let source = null;
  let pause = 2000;
  let lost = 0;

  function listen() {
    if (source && source.readyState !== EventSource.CLOSED) return;
    source = new EventSource(`/chat/events?after=${newest()}`);
    source.addEventListener("open", () => { pause = 2000; clearTimeout(lost); lost = 0; find("banner-connection").hidden = true; });
    source.addEventListener("line", (event) => heard(JSON.parse(event.data)));
    source.addEventListener("typing", (event) => showWriting(JSON.parse(event.data)));
    source.addEventListener("state", (event) => { const { state, ticket } = JSON.parse(event.data); setState(state, ticket); });
    source.addEventListener("error", () => {
      if (!lost) lost = setTimeout(() => { find("banner-connection").hidden = false; }, 4000);
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, pause);
      pause = Math.min(pause * 2, 60000);
    });
  }

  /** A librarian writes just now: the dots of a bot that looks for an answer, with other words for those who hear the page. */
  function showWriting(on) {
    const low = log.scrollTop === 0;
    typing.querySelector(".visually-hidden").textContent = on ? say.tWriting : say.tLooking;
    typing.classList.toggle("from-person", on);
    typing.hidden = !on;
    if (on && low) log.scrollTop = 0;
  }

  function heard(line) {
    if (line.who === "librarian") showWriting(false);
    const item = show(line);
    reveal(item);
    if (item && document.hidden && line.who === "librarian") {
      unread += 1;
      document.title = `(${unread}) ${say.tNewReply} · ${title}`;
    }
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    unread = 0;
    document.title = title;
  });
  addEventListener("online", () => { if (outbox.some((message) => message.refused)) retry(); });
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) listen(); });

  // --- start ---

  for (const id of rated) find(`ask-${id}`)?.closest("form").remove();
  const draft = kept.read("refdesk.draft", "");
  if (draft && !input.value) input.value = draft;
  grow();
  for (const time of lines.querySelectorAll("time")) time.textContent = shownTime(time.dateTime) || time.textContent;
  if (known(newest())) listen();
  for (const message of outbox) preview(Object.assign(message, { again: true }));
  work();
  if (matchMedia("(hover: hover)").matches && window === window.top) input.focus();
}

if (main) enhanceText(main);
if (document.getElementById("composer")) startChat();
