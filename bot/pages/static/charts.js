// Draws the charts of a page from the specifications that files are drawn from. Vega's expressions are interpreted (ast), so that
// the page needs neither eval nor inline styles; its colours follow the page through reports.css.
const places = document.querySelectorAll("[data-chart]");

async function draw(place, embed) {
  const answer = await fetch(place.dataset.chart);
  if (!answer.ok) throw new Error(`${place.dataset.chart}: ${answer.status}`);
  const specification = { ...(await answer.json()), width: "container", autosize: { type: "fit-x", contains: "padding" } };
  await embed(place, specification, {
    actions: false,
    ast: true,
    defaultStyle: false,
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  });
}

// What cannot be drawn here is shown as the picture that files have.
function show(place) {
  const picture = document.createElement("img");
  picture.src = place.dataset.chart.replace(".json?", ".svg?");
  picture.alt = "";
  place.replaceChildren(picture);
}

if (places.length) {
  const ready = import("/reports/vega.js");
  for (const place of places) await ready.then(() => draw(place, window.vegaEmbed)).catch(() => show(place));
}
