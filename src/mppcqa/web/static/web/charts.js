// Charts: the definition stands in the page, the bundle of this server draws it. What a page says is
// painted before: the bundle is fetched when a chart is near the screen, or else when there is nothing
// to do, and charts are drawn one at a time, so that a touch meanwhile is answered.
(() => {
  "use strict";

  const NEAR = "300px";
  const waiting = [];  // those near the screen
  const later = [];    // the others, for when there is nothing else to do
  let working = false;
  let bundle = null;

  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) { later.push(target); continue; }
      near.unobserve(target);
      waiting.push(target);
    }
    work();
  }, { rootMargin: NEAR });

  function drawCharts(root, again) {
    for (const place of root.querySelectorAll("[data-chart]")) {
      if (place.dataset.drawn && !again) continue;
      place.dataset.drawn = "";
      if (place.dataset.height) place.style.minHeight = `${place.dataset.height}px`;
      near.unobserve(place);
      near.observe(place);
    }
  }

  function load(address) {
    bundle ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = resolve;
      script.onerror = () => { bundle = null; reject(new Error(address)); };
      document.head.append(script);
    });
    return bundle;
  }

  // After the next picture of the page.
  const painted = () => new Promise((resolve) => {
    const timer = setTimeout(resolve, 100);  // a page that nobody looks at has no pictures
    requestAnimationFrame(() => { clearTimeout(timer); setTimeout(resolve, 0); });
  });
  const idle = () => new Promise((resolve) => {
    if (window.requestIdleCallback) window.requestIdleCallback(resolve, { timeout: 1000 });
    else setTimeout(resolve, 50);
  });

  async function work() {
    if (working) return;
    working = true;
    await painted();
    for (;;) {
      if (!waiting.length && !later.length) break;
      if (!waiting.length) await idle();  // what is printed is drawn as well
      const place = waiting.shift() ?? later.shift();
      // What stands folded has no width yet: it comes when it is opened.
      if (!place?.isConnected || place.dataset.drawn || !place.clientWidth) continue;
      near.unobserve(place);
      place.dataset.drawn = "1";
      try {
        await load(place.dataset.bundle);
        await draw(place);
      } catch (error) {
        place.textContent = String(error);
        place.classList.add("chart-missing");
      }
      await painted();
    }
    working = false;
  }

  async function draw(place) {
    const source = document.getElementById(place.dataset.chart);
    if (!source) return;
    // The blue of paper is too dark for a dark page.
    const text = source.textContent.replaceAll("#0072b2", "var(--chart-blue)");
    const spec = fitted(themed(JSON.parse(text)), place.clientWidth);
    const leadsTo = spec.usermeta?.brush;
    const dragged = leadsTo && (spec.layer ? spec.layer[0] : spec);
    const along = leadsTo?.includes("low2") ? ["x", "y"] : ["x"];
    if (dragged) dragged.params = [{ name: "brush", select: { type: "interval", encodings: along } }];
    place.classList.remove("chart-drawn");
    const { view } = await window.vegaEmbed(place, spec, {
      ast: true, defaultStyle: false, renderer: "svg",
      actions: false, tooltip: { disableDefaultStyle: true }, patch: unspokenBrush,
    });
    place.style.minHeight = "";
    // Out of sight it keeps its height, and costs nothing where the page changes.
    place.style.containIntrinsicHeight = `auto ${place.offsetHeight}px`;
    place.classList.add("chart-drawn");
    if (dragged) followBrush(place, view, leadsTo, along.map((one) => dragged.encoding[one]));
    reachMarks(place);
  }

  // What was dragged is for the eye and the hand: a reader of screens has the forms of the page.
  function unspokenBrush(spec) {
    for (const mark of spec.marks || []) {
      if (mark.name?.startsWith("brush_")) mark.aria = false;
      unspokenBrush(mark);
    }
    return spec;
  }

  // Points of weeks stand at their Mondays: from the first that lies within to the last one's Sunday.
  function wholeWeeks(low, high) {
    const day = 86400000;
    const monday = (moment, round) => day * (7 * round((moment / day + 3) / 7) - 3);
    return [monday(low, Math.ceil), monday(high, Math.floor) + 6 * day]
      .map((one) => new Date(one).toISOString().slice(0, 10));
  }

  // A range or an area that was dragged over a chart leads to what lies in it.
  function followBrush(place, view, address, axes) {
    let begun = null;
    place.onpointerdown = (event) => { begun = event.clientX; };
    place.onpointerup = (event) => {
      if (begun === null || Math.abs(event.clientX - begun) < 8) return;
      begun = null;
      const ranges = view.signal("brush") || {};
      let leadsTo = address;
      for (const [place, axis] of axes.entries()) {
        const range = ranges[axis.field];
        if (!range) return;
        const sorted = [...range].map(Number).sort((a, b) => a - b);
        const ends = axis.type === "temporal" ? wholeWeeks(...sorted)
          : sorted.map((one) => String(Number(one.toPrecision(6))));
        const more = place ? "2" : "";
        leadsTo = leadsTo.replace(`%7Blow${more}%7D`, ends[0]).replace(`%7Bhigh${more}%7D`, ends[1]);
      }
      location.assign(leadsTo);
    };
  }

  // As wide as its card: drawn anew at that width, letters keep their size on a phone.
  function fitted(spec, width) {
    if (typeof spec.width !== "number" || width < 200) return spec;
    if (spec.width < 400 && spec.width + 60 < width) return spec;
    // Rows of charts don't count their axes and titles in.
    spec.width = spec.encoding?.row ? width - 70 : width;
    brokenTitles(spec, { x: width - 80, y: spec.height });
    if (spec.encoding?.row) return spec;
    spec.autosize = { type: "fit-x", contains: "padding" };
    // Half of the last number of the axis stands to the right of its tick.
    spec.padding = { left: 5, top: 5, bottom: 5, right: 14 };
    // Where names stand beside bars, the legend begins behind them: one below the other fits.
    const columns = typeof spec.height === "object" ? 1 : 2;
    if (width < 500) spec.config.legend = { ...spec.config.legend, columns, labelLimit: width / columns - 30 };
    return spec;
  }

  // The title of an axis that is longer than the axis stands on several lines.
  function brokenTitles(part, room) {
    for (const name of ["x", "y"]) {
      const axis = part.encoding?.[name];
      if (typeof axis?.title === "string" && room[name]) axis.title = inLines(axis.title, room[name] / 6.5);
    }
    for (const one of part.layer || []) brokenTitles(one, room);
  }
  function inLines(text, most) {
    const found = [""];
    for (const word of text.split(" ")) {
      const longer = `${found.at(-1)} ${word}`.trim();
      if (longer.length <= most || !found.at(-1)) found[found.length - 1] = longer;
      else found.push(word);
    }
    return found.length > 1 ? found : text;
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

  // Colours are the page's own, so that its theme, and paper, change them without drawing anew.
  function themed(spec) {
    const ink = "var(--chart-ink)";
    const faint = "var(--chart-faint)";
    const axis = { labelColor: ink, titleColor: ink, domainColor: faint, tickColor: faint, gridColor: faint };
    const given = spec.config || {};
    spec.config = {
      ...given,
      // The page's style gives the letters of an SVG; the chart must measure the same ones.
      font: getComputedStyle(document.body).fontFamily,
      background: "transparent",
      view: { ...given.view, stroke: null },
      axis: { ...given.axis, ...axis },
      text: { ...given.text, color: ink },
      legend: { ...given.legend, labelColor: ink, titleColor: ink },
      header: { ...given.header, labelColor: ink, titleColor: ink },
      title: { ...given.title, color: ink, subtitleColor: ink },
    };
    spec.background = "transparent";
    return spec;
  }

  // What leads somewhere is reached by keyboard: a chart is one stop of Tab, arrows go from one mark
  // to the next, Enter opens it.
  const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
  const led = (place) => [...place.querySelectorAll("svg.marks .mark-symbol > path, svg.marks .mark-rect > path")]
    .filter((one) => one.__data__?.href);

  function reachMarks(place) {
    const marks = led(place);
    place.setAttribute("role", marks.length ? "group" : "img");
    for (const [n, one] of marks.entries()) {
      one.setAttribute("tabindex", n ? "-1" : "0");
      one.setAttribute("role", "link");
      if (!one.getAttribute("aria-label")) one.setAttribute("aria-label", place.ariaLabel);
    }
  }

  document.addEventListener("keydown", (event) => {
    const here = event.target.closest?.("[data-chart] svg.marks [role=link]");
    if (!here || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter") {
      event.preventDefault();
      location.assign(here.__data__.href);
      return;
    }
    const marks = led(here.closest("[data-chart]"));
    const at = marks.indexOf(here);
    const to = event.key === "Home" ? 0 : event.key === "End" ? marks.length - 1
      : Math.min(Math.max(at + (STEPS[event.key] ?? NaN), 0), marks.length - 1);
    if (Number.isNaN(to)) return;
    event.preventDefault();
    here.setAttribute("tabindex", "-1");
    marks[to].setAttribute("tabindex", "0");
    marks[to].focus();
  });

  // Who goes through the marks reads what a pointer would show.
  for (const [what, shown] of [["focusin", "pointermove"], ["focusout", "pointerout"]]) {
    document.addEventListener(what, (event) => {
      const here = event.target.closest?.("[data-chart] svg.marks [role=link]");
      if (!here) return;
      const box = here.getBoundingClientRect();
      const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
      here.dispatchEvent(new PointerEvent(shown, { bubbles: true, ...at }));
    });
  }

  document.addEventListener("htmx:afterSettle", (event) => drawCharts(event.target, false));
  document.addEventListener("DOMContentLoaded", () => drawCharts(document, false));
})();
