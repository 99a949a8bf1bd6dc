// A scanner is a keyboard that types faster than anybody and ends with Enter. What it says counts
// wherever the cursor is: nothing of it stays in a field, and nothing typed in one is lost.
(() => {
  "use strict";

  const panel = document.getElementById("scan-answer");
  if (!panel) return;
  const hand = document.querySelector("[data-hand]");
  const GAP_MS = 50; // between two characters of a scan; people take 80 and more on average
  const MEAN_MS = 35;
  const END_MS = 150; // until its Enter: some scanners wait
  const LEAST = 3;
  const GOOD_MS = 10000;
  const KEPT = "mppcqa-scan";

  let burst = null;

  function keep(field) {
    const kept = { field, value: field.value };
    try { kept.at = [field.selectionStart, field.selectionEnd]; } catch { kept.at = null; }
    return kept;
  }

  function putBack(kept) {
    if (!kept || kept.field.value === kept.value) return;
    kept.field.value = kept.value;
    if (kept.at && kept.at[0] !== null) kept.field.setSelectionRange(...kept.at);
    kept.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function isField(one) {
    return one instanceof HTMLElement && one.matches("input, textarea, select");
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey && !event.altKey || event.metaKey) { burst = null; return; }
    const key = event.key;
    if (key === "Enter") {
      const done = burst;
      burst = null;
      if (!done || !isScan(done, event.timeStamp) || takesScans(event.target, done.text)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      putBack(done.kept);
      take(done.text, slotOf(done.target));
      return;
    }
    if (key.length !== 1) {
      if (!["Shift", "CapsLock", "AltGraph", "Alt", "Control"].includes(key)) burst = null;
      return;
    }
    if (event.target instanceof HTMLInputElement && event.target.type === "password") { burst = null; return; }
    if (burst && event.timeStamp - burst.last <= GAP_MS) {
      burst.text += key;
      burst.last = event.timeStamp;
      // No shortcut, and no button pressed by a blank, in the middle of a scan.
      if (!isField(event.target) || event.target.matches("select, [type=checkbox], [type=radio]")) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
      return;
    }
    const target = event.target;
    burst = {
      text: key, first: event.timeStamp, last: event.timeStamp, target,
      kept: isField(target) ? keep(target) : null,
    };
    // A blank would press a button, and a letter choose in a list, before it is known to be a scan.
    // No code begins with a blank; the list's change waits in `holdChange`.
  }, true);

  function isScan(one, now) {
    const length = one.text.length;
    return length >= LEAST && now - one.last <= END_MS && (one.last - one.first) / (length - 1) <= MEAN_MS;
  }

  // A field for serial numbers takes those as they come; what is to be done is done from there too.
  function takesScans(target, text) {
    return !text.startsWith(".") && target instanceof HTMLElement && target.matches("[data-takes-scans]");
  }

  function slotOf(target) {
    return target instanceof HTMLElement && target.matches("[data-slot]") ? target.name.replace("slot-", "") : "";
  }

  // A list that a scan's first letter changed is not acted on before it is known whether it was one.
  document.addEventListener("change", (event) => {
    if (!burst || !burst.kept || event.target !== burst.kept.field || !event.target.matches("select")) return;
    if (event.detail === "held") return;
    event.stopImmediatePropagation();
    const { field } = burst.kept;
    const chosen = field.value;
    setTimeout(() => {
      if (field.value === chosen) field.dispatchEvent(new CustomEvent("change", { bubbles: true, detail: "held" }));
    }, GAP_MS + END_MS);
  }, true);

  // One after the other, in the order of the scans.
  let queue = Promise.resolve();
  function take(code, slot) {
    queue = queue.then(() => send(code, slot));
    return queue;
  }

  async function send(code, slot) {
    const form = document.querySelector("[data-run-form]");
    const data = form ? new FormData(form) : new FormData();
    for (const name of [...data.keys()]) if (!name.startsWith("p-")) data.delete(name);
    data.set("code", code);
    data.set("station", document.body.dataset.station || "");
    for (const name of ["checklist", "box", "tray", "at"]) data.set(name, document.body.dataset[name] || "");
    data.set("slot", slot || "");
    let answer;
    try {
      const response = await fetch(panel.dataset.address, {
        method: "POST", body: data, headers: { "x-csrftoken": panel.dataset.token },
      });
      const told = (response.headers.get("Content-Type") || "").startsWith("application/json");
      if (response.ok && told) answer = await response.json();
      else if (response.redirected || response.status === 403) answer = bad(panel.dataset.loggedOut);
      else answer = bad(panel.dataset.failed);
    } catch { answer = bad(panel.dataset.away); }
    if (answer.go && !isTypedIn()) {
      sessionStorage.setItem(KEPT, JSON.stringify(answer));
      location.assign(answer.go);
      // What is scanned meanwhile is taken once the other page stands.
      await new Promise(() => {});
    }
    show(answer, false);
    if (answer.changed) await refresh();
    panel.dispatchEvent(new CustomEvent("mppcqa:scanned", { bubbles: true, detail: answer }));
  }

  function bad(text) { return { tone: "bad", title: text, lines: [], choices: [], failed: true }; }

  // Whether the person typed something that leaving the page would lose.
  function isTypedIn() {
    return [...document.querySelectorAll("main form[method=post]")].some((form) => [...form.elements].some((one) => {
      if (one.type === "hidden" || one.type === "submit" || one.type === "button") return false;
      if (one.type === "checkbox" || one.type === "radio") return one.checked !== one.defaultChecked;
      if (one.matches("select")) {
        const first = [...one.options].some((option) => option.defaultSelected);
        return first && [...one.options].some((option) => option.selected !== option.defaultSelected);
      }
      return one.matches("input, textarea") && one.value !== one.defaultValue;
    }));
  }

  let hiding = 0;
  function show(answer, again) {
    clearTimeout(hiding);
    panel.dataset.tone = answer.tone;
    panel.querySelector("[data-title]").textContent = answer.title;
    const lines = answer.lines.map((text) => {
      const line = document.createElement("li");
      line.textContent = text;
      return line;
    });
    panel.querySelector("[data-lines]").replaceChildren(...lines);
    const choices = answer.choices.map((one) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-bench btn-primary";
      button.textContent = one.text;
      button.dataset.code = one.code;
      return button;
    });
    if (answer.go && !again) {
      const link = document.createElement("a");
      link.className = "btn btn-bench";
      link.href = answer.go;
      link.textContent = panel.dataset.open;
      choices.push(link);
    }
    panel.querySelector("[data-choices]").replaceChildren(...choices);
    panel.querySelector("[data-undo]").hidden = !answer.undo;
    panel.hidden = false;
    if (!answer.failed) {
      hand.hidden = !answer.station && !answer.signed && !answer.registers;
      for (const part of hand.querySelectorAll("[data-hand-of]")) {
        const name = answer[part.dataset.handOf] || "";
        part.hidden = !name;
        part.querySelector("strong").textContent = name;
      }
    }
    sound(answer.tone);
    if (answer.tone === "good") hiding = setTimeout(hideUnlessUsed, GOOD_MS);
  }

  function hideUnlessUsed() {
    if (panel.matches(":hover, :focus-within")) hiding = setTimeout(hideUnlessUsed, GOOD_MS);
    else panel.hidden = true;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-code]");
    if (button) take(button.dataset.code, "");
    else if (event.target.closest("[data-close]")) panel.hidden = true;
    else if (event.target.closest("[data-camera]")) openCamera();
  });

  // What reads pictures is large, and fetched by who uses it.
  function openCamera() {
    if (window.mppcqaCamera) { window.mppcqaCamera(); return; }
    const script = document.createElement("script");
    script.src = document.getElementById("camera").dataset.script;
    script.onload = () => window.mppcqaCamera();
    document.head.append(script);
  }

  // Tones that differ in more than their height: one up, one held, two down.
  const TONES = { good: [[880, 0, .09], [1320, .09, .12]], ask: [[660, 0, .3]], bad: [[330, 0, .18], [220, .22, .3]] };
  let audio = null;
  function sound(tone) {
    try {
      audio = audio || new AudioContext();
      if (audio.state === "suspended") audio.resume();
      for (const [height, after, length] of TONES[tone] || []) {
        const voice = audio.createOscillator(), volume = audio.createGain();
        voice.frequency.value = height;
        volume.gain.setValueAtTime(.25, audio.currentTime + after);
        volume.gain.exponentialRampToValueAtTime(.001, audio.currentTime + after + length);
        voice.connect(volume).connect(audio.destination);
        voice.start(audio.currentTime + after);
        voice.stop(audio.currentTime + after + length);
      }
      document.documentElement.dataset.lastTone = tone;
    } catch { /* A computer without sound: it is said in letters as well. */ }
  }
  window.mppcqaSound = sound;
  window.mppcqaScan = (code) => take(code, "");

  // Parts of the page that tell how things stand are fetched anew; what was typed in them stays.
  async function refresh() {
    const parts = [...document.querySelectorAll("[data-now]")];
    if (!parts.length) return;
    let text;
    try { text = await (await fetch(location.href)).text(); } catch { return; }
    const page = new DOMParser().parseFromString(text, "text/html");
    const focused = document.activeElement;
    const atSlot = focused && focused.matches("[data-slot]");
    for (const part of parts) {
      const now = page.getElementById(part.id);
      if (!now) continue;
      const typed = [...part.querySelectorAll("input:not([type=hidden])")].filter((one) => one.value);
      const fresh = document.importNode(now, true);
      for (const one of typed) {
        const same = one.id && fresh.querySelector(`#${CSS.escape(one.id)}`);
        if (same) same.value = one.value;
      }
      part.replaceWith(fresh);
      if (window.htmx) window.htmx.process(fresh);
    }
    if (!document.contains(focused)) {
      const same = focused.id && document.getElementById(focused.id);
      const next = same || (atSlot && document.querySelector("[data-slot]"));
      if (next) next.focus();
    }
  }
  window.mppcqaRefresh = refresh;

  const kept = sessionStorage.getItem(KEPT);
  if (kept) {
    sessionStorage.removeItem(KEPT);
    show(JSON.parse(kept), true);
  }
})();
