// A screen at a bench: follows what happens, is heard, stays awake, and stops at a touch and a hold.
(() => {
  "use strict";

  const HOLD_MS = 1200;
  const place = document.querySelector("[data-live-now]");
  const away = document.querySelector("[data-away]");

  function states() {
    return new Map([...document.querySelectorAll("[data-state]")].map((one, at) => [at, [one.dataset.state, one.dataset.kind]]));
  }

  // A button that would do nothing is dead, and why is said above it.
  function bury() {
    const dead = JSON.parse(place?.querySelector("[data-dead]")?.dataset.dead ?? "{}");
    for (const button of document.querySelectorAll(".bench-foot button")) {
      const code = button.dataset.code ?? button.dataset.holdCode;
      button.disabled = code in dead;
      if (code in dead) button.setAttribute("aria-describedby", "bench-dead");
      else button.removeAttribute("aria-describedby");
    }
    const why = document.querySelector("[data-why-dead]");
    if (why) why.textContent = [...new Set(Object.values(dead))].join(" ");
  }

  let failures = 0;
  async function follow() {
    if (!place) return;
    try {
      const response = await fetch(`${location.pathname}?now=1`);
      if (!response.ok || response.redirected) throw new Error("away");
      const before = states();
      place.innerHTML = await response.text();
      bury();
      failures = 0;
      away.hidden = true;
      for (const [at, [state, kind]] of states()) {
        const former = before.get(at);
        if (!former || former[0] === state || former[1] === kind) continue;
        if (kind === "bad") window.mppcqaSound?.("bad");
        else if (kind === "good" && former[1] === "busy") window.mppcqaSound?.("good");
        else if (kind === "warn") window.mppcqaSound?.("ask");
      }
    } catch {
      failures += 1;
      if (failures > 2) away.hidden = false;
    }
    setTimeout(follow, Number(place.dataset.liveNow));
  }
  if (place) setTimeout(follow, Number(place.dataset.liveNow));

  // One touch is an accident; held, it is meant. The same with Enter or the space bar held down.
  for (const button of document.querySelectorAll("[data-hold-code]")) {
    const bar = button.querySelector(".bench-held");
    let since = 0, timer = 0;
    const end = () => { clearInterval(timer); since = timer = 0; bar.style.width = "0"; };
    const begin = () => {
      if (since) return;
      since = performance.now();
      timer = setInterval(() => {
        const part = Math.min(1, (performance.now() - since) / HOLD_MS);
        bar.style.width = `${100 * part}%`;
        if (part < 1) return;
        end();
        window.mppcqaScan?.(button.dataset.holdCode);
      }, 50);
    };
    button.addEventListener("pointerdown", (event) => { if (event.button === 0) begin(); });
    for (const name of ["pointerup", "pointercancel", "pointerleave", "blur"]) button.addEventListener(name, end);
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      begin();
    });
    button.addEventListener("keyup", end);
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-sound]")) window.mppcqaSound?.("good");
  });

  // The screen does not fall asleep while this page is seen, and is awake again when it is.
  async function wake() {
    if (document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try { await navigator.wakeLock.request("screen"); } catch { /* the computer decides */ }
  }
  document.addEventListener("visibilitychange", wake);
  document.addEventListener("mppcqa:scanned", () => { if (place) failures = 0; });
  wake();
})();
