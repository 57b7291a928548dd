// Searching: earlier questions and names that read or sound alike are offered while one types; filters apply at once.

const LOOK_AFTER = 200;
let asking = 0;

document.addEventListener("input", (event) => {
  if (event.target.id !== "search") return;
  clearTimeout(asking);
  const typed = event.target.value.trim();
  if (typed.length < 2) return;
  asking = setTimeout(async () => {
    const response = await fetch(`/desk/suggestions?q=${encodeURIComponent(typed)}`, { credentials: "same-origin" }).catch(() => null);
    if (!response?.ok) return;
    const found = await response.json();
    document.getElementById("suggestions")?.replaceChildren(...found.map((value) => Object.assign(document.createElement("option"), { value })));
  }, LOOK_AFTER);
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-filter]");
  if (!form) return;
  for (const field of form.elements) if (!field.value) field.disabled = true; // a short address
  form.requestSubmit();
});
