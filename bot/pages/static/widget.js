// The chat on any page of the library: <script src="https://refdesk.example/widget.js" defer data-lang="zh"></script>
// ASCII only, since a host page may have another encoding. A button at the corner opens the chat in a frame. Nothing of the host page is read or restyled.
(() => {
  const script = document.currentScript;
  const base = new URL(script.src, location.href).origin;
  const lang = script.dataset.lang || (/^zh/i.test(document.documentElement.lang || navigator.language) ? "zh" : "en");
  const words = { zh: { open: "\u5728\u7ebf\u54a8\u8be2", close: "\u5173\u95ed\u54a8\u8be2", title: "\u56fe\u4e66\u9986\u95ee\u8be2\u53f0" }, en: { open: "Ask the library", close: "Close the chat", title: "Library reference desk" } }[lang === "en" ? "en" : "zh"];
  const open = script.dataset.label || words.open;
  const style = `
    :host { all: initial; position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; font: 500 16px/1.3 system-ui, -apple-system, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; }
    button { display: flex; align-items: center; gap: 9px; min-height: 50px; margin-left: auto; padding: 10px 20px 10px 16px; border: 0; border-radius: 25px; background: #0b6463; color: #fff; font: inherit; cursor: pointer; box-shadow: 0 4px 18px rgb(0 0 0 / .22); }
    button:hover { background: #084e4d; }
    button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #0b6463; }
    svg { flex: none; }
    .panel { width: min(400px, calc(100vw - 40px)); height: min(640px, calc(100vh - 110px)); margin-bottom: 14px; border-radius: 18px; overflow: hidden; background: #fffefb; box-shadow: 0 10px 44px rgb(0 0 0 / .26); }
    .panel[hidden] { display: none; }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    @media (max-width: 480px) {
      :host(.open) { inset: 0; }
      :host(.open) .panel { width: 100%; height: calc(100% - 58px); margin: 0; border-radius: 0; box-shadow: none; }
      :host(.open) button { width: 100%; min-height: 58px; border-radius: 0; justify-content: center; }
    }
    @media print { :host { display: none; } }`;

  function start() {
    const host = document.createElement("div");
    host.lang = lang === "en" ? "en" : "zh-CN";
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];

    const panel = document.createElement("div");
    panel.className = "panel";
    panel.id = "panel";
    panel.hidden = true;
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-controls", "panel");
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", width: "24", height: "24", fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linejoin": "round", "stroke-linecap": "round", "aria-hidden": "true" })) icon.setAttribute(name, value);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    icon.append(path);
    const label = document.createElement("span");
    button.append(icon, label);
    root.append(panel, button);

    function show(on) {
      if (on && !panel.firstChild) {
        const frame = document.createElement("iframe");
        frame.src = `${base}/?embed=1&lang=${lang === "en" ? "en" : "zh"}`;
        frame.title = words.title;
        panel.append(frame);
      }
      panel.hidden = !on;
      host.classList.toggle("open", on);
      button.setAttribute("aria-expanded", String(on));
      label.textContent = on ? words.close : open;
      path.setAttribute("d", on ? "M6 6l12 12M18 6L6 18" : "M4 5h16v11h-8l-5 4v-4H4z");
    }

    button.addEventListener("click", () => show(panel.hidden));
    root.addEventListener("keydown", (event) => { if (event.key === "Escape" && !panel.hidden) { show(false); button.focus(); } });
    show(false);
    document.body.append(host);
  }

  if (document.body) start();
  else addEventListener("DOMContentLoaded", start, { once: true });
})();
