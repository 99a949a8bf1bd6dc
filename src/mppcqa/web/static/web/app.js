// Small behaviours. Every page works without them, but for charts and live views.
(() => {
  "use strict";

  // Light and dark.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const root = document.documentElement;
    const next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    root.setAttribute("data-bs-theme", next);
    localStorage.setItem("mppcqa-theme", next);
    drawCharts(document, true);
  });

  // "/" jumps to the scan box, as in other tools.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const box = document.querySelector("[data-scan-box]");
    if (box) { event.preventDefault(); box.focus(); box.select(); }
  });

  // A scanner types the serial and presses Enter: go to the next slot, and send after the last.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-slot]")) return;
    event.preventDefault();
    const form = event.target.form;
    const slots = [...form.elements].filter((one) => one.matches("[data-slot]:not([disabled])"));
    const next = slots[slots.indexOf(event.target) + 1];
    if (next) { next.focus(); next.select(); }
    else { [...form.elements].find((one) => one.matches("button[type=submit]"))?.focus(); }
  });

  // Filters send themselves.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-send-on-change]")) event.target.form.requestSubmit();
  });

  // One box ticks all rows of a list's page.
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-tick-all]")) return;
    for (const one of document.querySelectorAll("[data-tick]")) one.checked = event.target.checked;
  });

  // A form that was sent is not sent twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-post") || form.hasAttribute("data-download")) return;
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) {
      event.preventDefault();
      return;
    }
    setTimeout(() => {
      for (const one of form.elements) {
        if (one.matches("button[type=submit], button:not([type])")) one.disabled = true;
      }
    }, 0);
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  // A live part came back empty because nobody is logged in: say so, and leave the page as it is.
  document.addEventListener("mppcqa:logged-out", () => {
    for (const one of document.querySelectorAll("[data-logged-out]")) one.hidden = false;
  });

  // Charts: the definition stands in the page, the bundle of this server draws it.
  function drawCharts(root, again) {
    const places = root.querySelectorAll("[data-chart]");
    if (!places.length || !window.vegaEmbed) return;
    const dark = document.documentElement.getAttribute("data-bs-theme") === "dark";
    for (const place of places) {
      if (place.dataset.drawn && !again) continue;
      place.dataset.drawn = "1";
      const source = document.getElementById(place.dataset.chart);
      if (!source) continue;
      // The blue of paper is too dark for a dark page.
      const text = dark ? source.textContent.replaceAll("#0072b2", "#3a9bdc") : source.textContent;
      const spec = fitted(themed(JSON.parse(text), dark), place.clientWidth);
      window.vegaEmbed(place, spec, {
        ast: true, defaultStyle: false, renderer: "svg",
        actions: false, tooltip: { theme: dark ? "dark" : "light" },
      }).catch((error) => {
        place.textContent = String(error);
        place.classList.add("chart-missing");
      });
    }
  }

  // As wide as its card: drawn anew at that width, letters keep their size on a phone.
  function fitted(spec, width) {
    if (typeof spec.width !== "number" || width < 200) return spec;
    if (spec.width < 400 && spec.width + 60 < width) return spec;
    spec.width = width;
    spec.autosize = { type: "fit-x", contains: "padding" };
    if (width < 500) spec.config.legend = { ...spec.config.legend, columns: 2, labelLimit: 130 };
    return spec;
  }

  let drawnAt = window.innerWidth;
  let redraw = 0;
  window.addEventListener("resize", () => {
    clearTimeout(redraw);
    redraw = setTimeout(() => {
      if (window.innerWidth !== drawnAt) drawCharts(document, true);
      drawnAt = window.innerWidth;
    }, 300);
  });

  function themed(spec, dark) {
    const ink = dark ? "#d5dce6" : "#2b3441";
    const faint = dark ? "#4a5568" : "#d5dae1";
    const axis = { labelColor: ink, titleColor: ink, domainColor: faint, tickColor: faint, gridColor: faint };
    const given = spec.config || {};
    spec.config = {
      ...given,
      // The page's style gives the letters of an SVG; the chart must measure the same ones.
      font: getComputedStyle(document.body).fontFamily,
      background: "transparent",
      view: { ...given.view, stroke: null },
      axis: { ...given.axis, ...axis },
      legend: { ...given.legend, labelColor: ink, titleColor: ink },
      header: { ...given.header, labelColor: ink, titleColor: ink },
      title: { ...given.title, color: ink, subtitleColor: ink },
    };
    spec.background = "transparent";
    return spec;
  }

  // A log that stands at its end stays there while text arrives.
  function followLog() {
    for (const log of document.querySelectorAll("[data-log]")) {
      if (log.dataset.free !== "1") log.scrollTop = log.scrollHeight;
    }
  }
  document.addEventListener("scroll", (event) => {
    const log = event.target;
    if (!log.matches || !log.matches("[data-log]")) return;
    log.dataset.free = log.scrollHeight - log.scrollTop - log.clientHeight > 40 ? "1" : "0";
  }, true);

  // A table wider than the screen scrolls by keyboard too.
  function reachTables() {
    for (const place of document.querySelectorAll(".table-responsive")) {
      if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
      else place.removeAttribute("tabindex");
    }
  }
  window.addEventListener("resize", reachTables);

  document.addEventListener("htmx:afterSettle", (event) => {
    followLog();
    reachTables();
    drawCharts(event.target, false);
  });
  function ready() { drawCharts(document, false); followLog(); reachTables(); }
  // Deferred scripts, the chart bundle among them, have all run by then.
  document.addEventListener("DOMContentLoaded", ready);
})();
