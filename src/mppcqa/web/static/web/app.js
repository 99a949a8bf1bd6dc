// Small behaviours. Every page works without them, but for charts and live views.
(() => {
  "use strict";

  // Light and dark; null until somebody chooses.
  let theme = null;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-switch]");
    if (!button) return;
    const root = document.documentElement;
    theme = (theme ?? root.getAttribute("data-bs-theme")) === "dark" ? "light" : "dark";
    localStorage.setItem("mppcqa-theme", theme);
    // The button answers at once; the colours of a whole page take a picture more.
    button.classList.add("active");
    requestAnimationFrame(() => setTimeout(() => {
      root.setAttribute("data-bs-theme", theme);
      button.classList.remove("active");
    }));
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

  // Values in a table are one stop of Tab; arrows go from one to the next.
  function oneStop(root) {
    for (const table of root.querySelectorAll(".table-channels")) {
      [...table.querySelectorAll("a.value")].forEach((one, n) => { one.tabIndex = n ? -1 : 0; });
    }
  }
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  document.addEventListener("keydown", (event) => {
    const here = event.target.closest?.(".table-channels a.value");
    if (!here || !STEPS[event.key] || event.altKey || event.ctrlKey || event.metaKey) return;
    const [down, right] = STEPS[event.key];
    let cell = here.closest("td");
    do {
      const row = down > 0 ? cell.parentElement.nextElementSibling : cell.parentElement.previousElementSibling;
      const side = right > 0 ? cell.nextElementSibling : cell.previousElementSibling;
      cell = down ? row?.children[cell.cellIndex] : side;
    } while (cell && !cell.querySelector("a.value"));
    event.preventDefault();
    if (!cell) return;
    here.tabIndex = -1;
    const next = cell.querySelector("a.value");
    next.tabIndex = 0;
    next.focus();
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

  // Each answer of a live part asks for the next. One that does not come must not end that in
  // silence: the part asks again, less and less often, and the page says that it is old.
  const unanswered = new Map();
  function sayWhetherOld() {
    const old = [...unanswered.values()].some((times) => times > 1);
    for (const one of document.querySelectorAll("[data-old]")) one.hidden = !old;
  }
  document.addEventListener("htmx:afterRequest", (event) => {
    const part = event.detail.elt;
    const address = part.getAttribute("hx-get");
    const trigger = part.getAttribute("hx-trigger") || "";
    if (!address || !/^(load|every)\b/.test(trigger)) return;
    if (event.detail.successful) { unanswered.delete(address); sayWhetherOld(); return; }
    const status = event.detail.xhr.status;
    if (status >= 400 && status < 500 && status !== 429) {
      // Removed, or not for this person any more: asking again changes nothing.
      for (const one of document.querySelectorAll("[data-gone]")) one.hidden = false;
      return;
    }
    const times = (unanswered.get(address) || 0) + 1;
    unanswered.set(address, times);
    sayWhetherOld();
    if (trigger.startsWith("load")) setTimeout(() => {
      if (part.isConnected) window.htmx.ajax("GET", address, { source: part }).catch(() => {});
      else { unanswered.delete(address); sayWhetherOld(); }
    }, 1000 * Math.min(30, 2 ** times));
  });

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
    oneStop(document);
  });
  function ready() { oneStop(document); followLog(); reachTables(); }
  document.addEventListener("DOMContentLoaded", ready);
})();
