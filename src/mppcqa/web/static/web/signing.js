// Signing without leaving the page: the server says what is signed, and a dialog asks who signs.
// Where scripts are off the same forms lead to a page that asks.
(() => {
  "use strict";

  const HEADER = "X-Signing";
  let dialog = null;

  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (!form.matches("[data-signed]") && !(button && button.matches("[data-signed]"))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const data = new FormData(form, button);
    for (const one of form.querySelectorAll("button")) one.disabled = true;
    ask(form, data, null);
  }, true);

  // `proof` is what the dialog asked for, if it did.
  async function ask(form, data, proof) {
    const sent = new FormData();
    for (const [name, value] of [...data, ...(proof || [])]) sent.append(name, value);
    let answer;
    try {
      answer = await fetch(place(form), { method: "POST", body: sent, headers: { [HEADER]: "dialog" } });
    } catch {
      return natively(form, sent);
    }
    const said = answer.headers.get(HEADER);
    if (answer.status === 204 && said) return go(said);
    if (said !== "wanted") return natively(form, sent);
    show(form, data, await answer.text());
  }

  // A field may be called "action", which hides the form's own.
  function place(form) { return form.getAttribute("action") || location.href; }

  function go(address) {
    const next = new URL(address, location.href);
    const here = location.pathname + location.search === next.pathname + next.search;
    if (here) location.reload(); else location.assign(next);
  }

  // What is neither done nor asked for is a page of the server: a fault, a conflict, the log-in.
  function natively(form, sent) {
    const copy = document.createElement("form");
    copy.method = "post";
    copy.action = place(form);
    copy.hidden = true;
    for (const [name, value] of sent) {
      const field = document.createElement("input");
      field.type = "hidden"; field.name = name; field.value = value;
      copy.append(field);
    }
    document.body.append(copy);
    HTMLFormElement.prototype.submit.call(copy);
  }

  function show(form, data, html) {
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.className = "card signing";
      dialog.setAttribute("aria-labelledby", "h-signing");
      document.body.append(dialog);
    }
    dialog.innerHTML = html;
    const inner = dialog.querySelector("form");
    inner.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      for (const one of inner.querySelectorAll("button")) one.disabled = true;
      ask(form, data, new FormData(inner));
    });
    inner.querySelector("[data-signing-cancel]").addEventListener("click", () => dialog.close());
    dialog.onclose = () => {
      dialog.textContent = "";
      for (const one of form.querySelectorAll("button")) one.disabled = false;
    };
    if (!dialog.open) dialog.showModal();
    // After a wrong code the password must be given again as well: nothing keeps it.
    inner.querySelector("input[type=password]")?.focus();
  }
})();
