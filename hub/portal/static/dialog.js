// A link with data-modal opens the form of its page in a dialog. Without this file the page itself does the same.
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
  dialog.addEventListener("submit", send);
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

function fill(dialog, html) {
  const modal = partOf(html);
  const heading = modal.querySelector("h1, h2");
  if (heading) {
    heading.id ||= "dialog-title";
    dialog.setAttribute("aria-labelledby", heading.id);
  }
  const had = dialog.contains(document.activeElement) ? document.activeElement?.id : "";
  dialog.replaceChildren(closeButton(), document.adoptNode(modal));
  globalThis.htmx?.process(dialog);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  const wrong = modal.querySelector("[aria-invalid=true]");
  const first = wrong || document.getElementById(had) || modal.querySelector(FIRST) || dialog.firstChild;
  first.focus();
  dialog.querySelector("[data-reveal]")?.scrollIntoView({ block: "nearest" });
}

async function take(response) {
  const elsewhere = response.headers.get("X-Go");
  if (elsewhere) {
    // The place may be the one that is shown already; then only loading it anew shows what changed.
    if (new URL(elsewhere, location).href === location.href) location.reload();
    else location.assign(elsewhere);
    return;
  }
  fill(made(), await response.text());
}

async function send(event) {
  const form = event.target;
  if (form.enctype === "multipart/form-data" || "whole" in form.dataset) return;
  event.preventDefault();
  const button = event.submitter;
  const address = button?.hasAttribute("formaction") ? button.formAction : form.action;
  const fields = new URLSearchParams(new FormData(form, button));
  button?.setAttribute("aria-busy", "true");
  try {
    const isGet = form.method === "get";
    const asked = isGet ? `${address.split("?")[0]}?${fields}` : address;
    const rest = isGet ? {} : { method: "POST", body: fields };
    await take(await fetch(asked, { headers: IN_DIALOG, ...rest }));
  } catch {
    // The hub cannot be reached: the browser's own way says so, and keeps what was typed.
    form.dataset.whole = "";
    form.requestSubmit(button);
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

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
