// News beyond the page: the title, and what a screen reader says.

import { page } from "./page.js";

const title = document.title;

export function showTitle(waiting) {
  document.title = waiting ? `(${waiting}) ${title}` : title;
  const spoken = document.getElementById("desk-news");
  const text = waiting ? page().dataset.tNews.replace("{count}", waiting) : "";
  if (spoken && spoken.textContent !== text) spoken.textContent = text;
}
