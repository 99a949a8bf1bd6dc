// Runs before the page is drawn, so that it never flashes in the wrong colours.
(() => {
  const kept = localStorage.getItem("mppcqa-theme");
  const dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.setAttribute("data-bs-theme", dark ? "dark" : "light");
})();
