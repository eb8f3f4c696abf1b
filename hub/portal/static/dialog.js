// A link or a form with data-modal opens the form of its page in a dialog. Without this file the page itself does the same.
"use strict";

const IN_DIALOG = { "X-Dialog": "yes" };
const FIRST = "[autofocus], input:not([type=hidden]), select, textarea, button, a[href]";
let opener = null;

function made() {
  const found = document.getElementById("dialog");
  if (found) return found;
  const dialog = document.createElement("dialog");
  dialog.id = "dialog";
  dialog.addEventListener("close", closed);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  document.body.append(dialog);
  return dialog;
}

// What opened it may have been drawn anew meanwhile: focus goes back to what stands in its place.
function closed() {
  this.replaceChildren();
  const address = opener?.getAttribute("href");
  const again = opener?.isConnected ? opener : [...document.links].find((link) => link.getAttribute("href") === address);
  again?.focus();
}

function closeButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "close";
  button.dataset.close = "";
  button.setAttribute("aria-label", "Close");
  return button;
}

// A page that is no form, such as a refusal, is shown whole.
function partOf(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const modal = page.querySelector(".modal");
  if (modal) return modal;
  const section = page.createElement("section");
  section.className = "modal";
  section.append(...page.querySelector("main").childNodes);
  return section;
}

// Secrets are never sent back by the server: they stay in the form that they were typed into.
function keepSecrets(from, to) {
  for (const field of from.querySelectorAll("input[type=password]")) {
    const again = to.querySelector(`input[type=password][name="${field.name}"]`);
    if (again) again.value = field.value;
  }
  // Then nobody has to type them again.
  for (const hint of to.querySelectorAll("[data-lost]")) hint.remove();
}

function focusIn(modal, had) {
  const shown = modal.querySelector("[data-reveal]");
  const wrong = modal.querySelector("[aria-invalid=true]");
  const first = wrong || shown || document.getElementById(had) || modal.querySelector(FIRST) || modal;
  first.focus({ preventScroll: first === shown });
  shown?.scrollIntoView({ block: "nearest" });
}

function open(modal) {
  const dialog = made();
  const heading = modal.querySelector("h1, h2");
  if (heading) {
    heading.id ||= "dialog-title";
    dialog.setAttribute("aria-labelledby", heading.id);
  }
  dialog.replaceChildren(closeButton(), modal);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

// Shows a form: in the place of the one that was sent, or in the dialog.
function fill(html, was) {
  const modal = document.adoptNode(partOf(html));
  const had = was?.contains(document.activeElement) ? document.activeElement.id : "";
  if (was) keepSecrets(was, modal);
  if (was && !was.closest("dialog")) was.replaceWith(modal);
  else open(modal);
  globalThis.htmx?.process(modal);
  focusIn(modal, had);
}

async function take(response, was) {
  const elsewhere = response.headers.get("X-Go");
  if (!elsewhere) return fill(await response.text(), was);
  // The place may be the one that is shown already; then only loading it anew shows what changed.
  if (new URL(elsewhere, location).href === location.href) location.reload();
  else location.assign(elsewhere);
}

async function send(event) {
  const form = event.target;
  const modal = form.closest(".modal");
  const opens = !modal && "modal" in form.dataset;
  if (!(modal || opens) || form.enctype === "multipart/form-data" || "whole" in form.dataset) return;
  event.preventDefault();
  const button = event.submitter;
  if (opens) opener = button;
  const address = button?.hasAttribute("formaction") ? button.formAction : form.action;
  const fields = new URLSearchParams(new FormData(form, button));
  button?.setAttribute("aria-busy", "true");
  try {
    const isGet = form.method === "get";
    const asked = isGet ? `${address.split("?")[0]}?${fields}` : address;
    const rest = isGet ? {} : { method: "POST", body: fields };
    await take(await fetch(asked, { headers: IN_DIALOG, ...rest }), modal);
  } catch {
    // The hub cannot be reached: the browser's own way says so, and keeps what was typed.
    form.dataset.whole = "";
    form.requestSubmit(button);
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", send);

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-modal]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (!link.closest("#dialog")) opener = link;
  try {
    await take(await fetch(link.href, { headers: IN_DIALOG }));
  } catch {
    location.assign(link.href);
  }
});
