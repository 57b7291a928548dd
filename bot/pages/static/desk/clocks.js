// What runs out while one looks: a channel that closes within minutes, a reply that is about to go out.

const began = new WeakMap();

function left(element) {
  if (!began.has(element)) began.set(element, Date.now());
  return Math.max(0, Number(element.dataset.left) - Math.floor((Date.now() - began.get(element)) / 1000));
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-left]")) {
    const seconds = left(element);
    element.textContent = element.dataset.text.replace("{m}", Math.floor(seconds / 60)).replace("{s}", seconds % 60).replace("{seconds}", seconds);
  }
}, 1000);
