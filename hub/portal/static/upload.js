// A file that is sent shows how far it is. Without this file the form sends it as forms do.
"use strict";

const percent = new Intl.NumberFormat(undefined, { style: "percent" });

function told(form, words) {
  const line = form.querySelector("[role=status]");
  line.hidden = false;
  line.textContent = words;
}

function ended(form, request) {
  const elsewhere = request.getResponseHeader("X-Go");
  if (request.status < 400 && elsewhere) {
    location.assign(elsewhere);
    return;
  }
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const words = page.querySelector("main [role=alert]")?.textContent;
  failed(form, words || `It was not taken (${request.status}). Load the page anew and try again.`);
}

function failed(form, words) {
  form.querySelector("progress").hidden = true;
  const button = form.querySelector("[type=submit]");
  button.disabled = false;
  button.removeAttribute("aria-busy");
  told(form, words);
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-upload]");
  if (!form) return;
  event.preventDefault();
  const bar = form.querySelector("progress");
  const button = form.querySelector("[type=submit]");
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total, lengthComputable }) => {
    if (!lengthComputable) return;
    bar.max = total;
    bar.value = loaded;
    told(form, loaded < total ? `${percent.format(loaded / total)} sent` : "Sent; it is being kept.");
  });
  request.addEventListener("load", () => ended(form, request));
  request.addEventListener("error", () => failed(form, "The hub cannot be reached. Nothing was taken; try again."));
  request.open("POST", form.action);
  request.setRequestHeader("X-Dialog", "yes");
  bar.hidden = false;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  request.send(new FormData(form));
});
