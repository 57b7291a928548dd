// News beyond the page: the title, what a screen reader says, a sound, and a notification of the browser.

import { kept, words } from "./page.js";

const title = document.title;
const SWITCHES = "refdesk.switches";
const TOLD_FOR = 10000;
const switches = () => kept.read(SWITCHES) ?? {};

export function showTitle(waiting) {
  document.title = waiting ? `(${waiting}) ${title}` : title;
  const spoken = document.getElementById("desk-news");
  const text = waiting ? words.tNews.replace("{count}", waiting) : "";
  if (spoken && spoken.textContent !== text) spoken.textContent = text;
}

/** Two short tones, made here: nothing is loaded. */
function ring() {
  const context = new AudioContext();
  [660, 880].forEach((pitch, at) => {
    const tone = context.createOscillator();
    const loud = context.createGain();
    const start = context.currentTime + at * 0.16;
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.12, start);
    loud.gain.exponentialRampToValueAtTime(0.001, start + 0.25);
    tone.connect(loud).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.26);
  });
  setTimeout(() => context.close(), 1000);
}

function notify(text, tag) {
  if (!document.hidden || Notification.permission !== "granted") return;
  const shown = new Notification(title, { body: text, tag, icon: "/static/icon.svg" });
  shown.addEventListener("click", () => { window.focus(); shown.close(); });
}

/** Whether this tab is the one of this browser that tells of something: a lock is given to one, what is stored may be seen late. */
function first(what) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((told) => {
    navigator.locks.request(`refdesk.${what}`, { ifAvailable: true }, (lock) => {
      told(lock !== null);
      return lock && new Promise((over) => setTimeout(over, TOLD_FOR));
    });
  });
}

/** Tell of a ticket that is new since this browser last heard of one, and of new alerts, in one of its tabs only. */
export async function announce(state, before) {
  showTitle(state.waiting);
  const newest = kept.read("refdesk.newest");
  kept.write("refdesk.newest", Math.max(state.newest, newest ?? 0));
  const fresh = newest !== null && state.newest > newest && state.waiting > 0;
  const alerted = before !== null && state.alerts > before.alerts;
  if (!fresh && !alerted) return;
  document.documentElement.dataset.announced = String(state.newest);
  if (!(await first(fresh ? `ticket-${state.newest}` : `alerts-${state.alerts}`))) return;
  if (switches().sound) ring();
  if (switches().notify) notify(fresh ? words.tNewTicket : words.tNewAlert, fresh ? `ticket-${state.newest}` : "alert");
}

async function permitted() {
  if (!("Notification" in window)) return false;
  return (await Notification.requestPermission()) === "granted";
}

export function prepareSwitches() {
  const menu = document.querySelector("[data-switches]");
  if (!menu) return;
  for (const box of menu.querySelectorAll("[data-switch]")) box.checked = Boolean(switches()[box.dataset.switch]);
  menu.addEventListener("change", async (event) => {
    const box = event.target;
    const hint = menu.querySelector("[data-switch-hint]");
    hint.textContent = "";
    if (box.dataset.switch === "notify" && box.checked && !(await permitted())) {
      box.checked = false;
      hint.textContent = words.tDenied;
    }
    if (box.dataset.switch === "sound" && box.checked) ring();
    kept.write(SWITCHES, { ...switches(), [box.dataset.switch]: box.checked });
  });
}
