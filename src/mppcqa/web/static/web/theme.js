// Runs before the page is drawn, so that it never flashes in the wrong colours.
(() => {
  const kept = localStorage.getItem("mppcqa-theme");
  const dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const root = document.documentElement;
  root.setAttribute("data-bs-theme", dark ? "dark" : "light");
  // Paper is white, whatever the page was.
  let before = "";
  window.addEventListener("beforeprint", () => {
    before = root.getAttribute("data-bs-theme");
    root.setAttribute("data-bs-theme", "light");
  });
  window.addEventListener("afterprint", () => root.setAttribute("data-bs-theme", before));
})();
