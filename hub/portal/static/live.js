// Parts of a page that ask for themselves anew do so only while somebody can see them, and say when nobody answers.
"use strict";

// Which parts have had no answer, and since when.
const failing = new Set();
let since = "";

function isLive(element) {
  return element?.getAttribute?.("hx-trigger")?.startsWith("every");
}

function say(words) {
  const bar = document.getElementById("stale");
  if (bar && bar.textContent !== words) bar.textContent = words;
}

function fails(part, status) {
  if (!failing.size) since = new Date().toLocaleTimeString(undefined, { timeStyle: "short" });
  failing.add(part);
  if (status === 404) say("This is not there any more: somebody may have deleted it.");
  else say(`The hub has not answered since ${since}, so what is shown may be older. It is asked again by itself.`);
}

function succeeds(part) {
  failing.delete(part);
  if (!failing.size) say("");
}

document.addEventListener("htmx:before:request", (event) => {
  if (isLive(event.target) && document.hidden) event.preventDefault();
});

document.addEventListener("htmx:after:request", (event) => {
  if (!isLive(event.target)) return;
  const { status } = event.detail.ctx.response;
  if (status >= 400) fails(event.target.id, status);
  else succeeds(event.target.id);
});

document.addEventListener("htmx:error", (event) => {
  if (isLive(event.target)) fails(event.target.id);
});
