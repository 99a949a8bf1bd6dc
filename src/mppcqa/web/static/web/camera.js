// A telephone's camera as a scanner: fetched when it is first used. The browser's own detector reads
// where it has one; else ZXing, compiled for browsers, from this server.
(() => {
  "use strict";

  const dialog = document.getElementById("camera");
  const video = dialog.querySelector("video");
  const said = dialog.querySelector("[data-camera-said]");
  const picture = dialog.querySelector("[data-camera-picture]");
  const words = dialog.dataset;
  const FORMATS = ["qr_code", "data_matrix", "code_128"];
  const EVERY_MS = 200;
  let stream = null, timer = 0, detector = null;

  function load(address) {
    return new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = done;
      script.onerror = () => failed(new Error(address));
      document.head.append(script);
    });
  }

  async function native() {
    if (!("BarcodeDetector" in window)) return null;
    try {
      const known = await window.BarcodeDetector.getSupportedFormats();
      if (!known.includes("qr_code")) return null;
      const one = new window.BarcodeDetector({ formats: FORMATS.filter((format) => known.includes(format)) });
      return async (source) => (await one.detect(source)).map((found) => found.rawValue);
    } catch { return null; }
  }

  async function packaged() {
    if (!window.ZXingWASM) await load(words.reader);
    const { prepareZXingModule, readBarcodes } = window.ZXingWASM;
    prepareZXingModule({ overrides: { locateFile: (path, prefix) => path.endsWith(".wasm") ? words.wasm : prefix + path } });
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    return async (source) => {
      const wide = source.videoWidth || source.width, high = source.videoHeight || source.height;
      if (!wide || !high) return [];
      canvas.width = wide;
      canvas.height = high;
      context.drawImage(source, 0, 0);
      const options = { formats: ["QRCode", "DataMatrix", "Code128"], tryHarder: true, maxNumberOfSymbols: 4 };
      const found = await readBarcodes(context.getImageData(0, 0, wide, high), options);
      return found.filter((one) => one.isValid !== false).map((one) => one.text);
    };
  }

  async function reader() {
    if (!detector) detector = (await native()) || (await packaged());
    return detector;
  }

  function say(text) { said.textContent = text; }

  // One code is a scan; several at once might be any of them.
  function taken(codes) {
    const different = [...new Set(codes.filter(Boolean))];
    if (different.length === 1) {
      close();
      window.mppcqaScan(different[0]);
      return true;
    }
    if (different.length > 1) say(words.several);
    return false;
  }

  async function look() {
    if (!stream) return;
    try {
      const detect = await reader();
      if (video.readyState >= 2 && taken(await detect(video))) return;
    } catch { say(words.failed); }
    if (stream) timer = setTimeout(look, EVERY_MS);
  }

  async function open() {
    if (!dialog.open) dialog.showModal();
    say(words.look);
    video.hidden = true;
    if (!navigator.mediaDevices) { say(words.none); return; }
    try {
      const found = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false,
      });
      if (!dialog.open) { for (const track of found.getTracks()) track.stop(); return; }
      stream = found;
      video.srcObject = stream;
      video.hidden = false;
      await video.play();
      look();
    } catch { say(words.none); }
  }

  function stop() {
    clearTimeout(timer);
    if (stream) for (const track of stream.getTracks()) track.stop();
    stream = null;
    video.srcObject = null;
  }

  function close() {
    stop();
    dialog.close();
  }

  picture.addEventListener("change", async () => {
    const file = picture.files[0];
    picture.value = "";
    if (!file) return;
    say(words.reading);
    try {
      const detect = await reader();
      const bitmap = await createImageBitmap(file);
      const codes = await detect(bitmap);
      if (!taken(codes) && !codes.length) say(words.nothing);
    } catch { say(words.failed); }
  });
  dialog.addEventListener("close", stop);
  dialog.querySelector("[data-camera-close]").addEventListener("click", close);
  window.mppcqaCamera = open;
})();
