// A checklist: counts by touch, photographs from phone or bench camera, and marks on them.
(() => {
  "use strict";

  const form = document.querySelector("[data-checklist-form]");
  if (!form) return;
  const SVG = "http://www.w3.org/2000/svg";
  const STEP = 0.02, STEP_LARGE = 0.1;

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set]");
    if (!button) return;
    const field = document.getElementById(button.dataset.set);
    field.value = "to" in button.dataset ? button.dataset.to : String((Number(field.value) || 0) + Number(button.dataset.add));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // Marks by file: they stay with it when another is added or taken away.
  const marks = new WeakMap();

  function write(input) {
    const field = input.parentElement.querySelector("[data-marks]");
    field.value = JSON.stringify([...input.files].map((file) => marks.get(file) || []));
  }

  function draw(svg, lines, open) {
    svg.replaceChildren();
    for (const [x1, y1, x2, y2] of open ? [...lines, open] : lines) {
      for (const kind of ["mark-under", "mark-over"]) {
        const line = document.createElementNS(SVG, "line");
        line.setAttribute("class", kind);
        for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) line.setAttribute(name, value);
        svg.append(line);
      }
    }
  }

  function within(value) { return Math.min(1, Math.max(0, value)); }

  function shot(input, file) {
    const lines = marks.get(file) || [];
    marks.set(file, lines);
    const figure = document.createElement("figure");
    figure.className = "shot";
    const place = document.createElement("div");
    place.className = "shot-picture";
    place.tabIndex = 0;
    place.setAttribute("role", "application");
    place.setAttribute("aria-label", `${file.name}. ${form.dataset.sayMark}`);
    const image = document.createElement("img");
    image.alt = "";
    image.src = URL.createObjectURL(file);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 1 1");
    svg.setAttribute("preserveAspectRatio", "none");
    const cross = document.createElement("span");
    cross.className = "shot-cross";
    cross.hidden = true;
    place.append(image, svg, cross);
    const undo = document.createElement("button");
    undo.type = "button";
    undo.className = "btn btn-touch";
    undo.textContent = form.dataset.sayUndo;
    const words = document.createElement("figcaption");
    words.className = "small text-secondary";
    words.textContent = form.dataset.sayMark;
    figure.append(place, words, undo);

    let begin = null, at = [0.5, 0.5];
    const keep = (end) => {
      lines.push([...begin, ...end].map((one) => Math.round(within(one) * 10000) / 10000));
      begin = null;
      draw(svg, lines);
      write(input);
    };
    const where = (event) => {
      const box = image.getBoundingClientRect();
      return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
    };
    place.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      place.setPointerCapture(event.pointerId);
      begin = where(event);
      event.preventDefault();
      place.focus();
    });
    place.addEventListener("pointermove", (event) => { if (begin && event.buttons) draw(svg, lines, [...begin, ...where(event)]); });
    place.addEventListener("pointerup", (event) => { if (begin) keep(where(event)); });
    place.addEventListener("pointercancel", () => { begin = null; draw(svg, lines); });
    const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    place.addEventListener("keydown", (event) => {
      const move = MOVES[event.key];
      if (move) {
        const by = event.shiftKey ? STEP_LARGE : STEP;
        at = [within(at[0] + move[0] * by), within(at[1] + move[1] * by)];
        if (begin) draw(svg, lines, [...begin, ...at]);
      } else if (event.key === "Enter") {
        if (begin) keep(at); else begin = [...at];
      } else if (event.key === "Escape") {
        begin = null;
        draw(svg, lines);
      } else return;
      event.preventDefault();
      cross.hidden = false;
      cross.style.left = `${100 * at[0]}%`;
      cross.style.top = `${100 * at[1]}%`;
    });
    undo.addEventListener("click", () => { lines.pop(); draw(svg, lines); write(input); });
    draw(svg, lines);
    return figure;
  }

  function show(input) {
    const place = form.querySelector(`[data-shots="${CSS.escape(input.dataset.pictures)}"]`);
    place.replaceChildren(...[...input.files].map((file) => shot(input, file)));
    write(input);
  }

  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-pictures]")) show(event.target);
  });
  for (const input of form.querySelectorAll("[data-pictures]")) if (input.files.length) show(input);

  // The camera at the bench: a microscope's, as any that the browser knows.
  const cameras = navigator.mediaDevices && navigator.mediaDevices.getUserMedia;
  for (const button of form.querySelectorAll("[data-camera]")) {
    button.hidden = !cameras;
    button.addEventListener("click", () => look(button));
  }

  async function look(button) {
    const input = document.getElementById(button.dataset.camera);
    const place = form.querySelector(`[data-shots="${CSS.escape(input.dataset.pictures)}"]`);
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 4096 }, height: { ideal: 4096 }, facingMode: "environment" } });
    } catch {
      place.textContent = form.dataset.sayNone;
      return;
    }
    const video = document.createElement("video");
    video.autoplay = video.muted = video.playsInline = true;
    video.srcObject = stream;
    const take = document.createElement("button");
    take.type = "button";
    take.className = "btn btn-primary btn-touch";
    take.textContent = form.dataset.sayTake;
    place.replaceChildren(video, take);
    take.focus();
    take.addEventListener("click", () => {
      const canvas = document.createElement("canvas");
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext("2d").drawImage(video, 0, 0);
      for (const track of stream.getTracks()) track.stop();
      canvas.toBlob((blob) => {
        const all = new DataTransfer();
        for (const file of input.files) all.items.add(file);
        if (blob) all.items.add(new File([blob], `${input.dataset.pictures}-${all.files.length + 1}.png`, { type: "image/png" }));
        input.files = all.files;
        show(input);
      }, "image/png");
    });
  }
})();
