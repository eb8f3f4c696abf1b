// Parts of a page that ask for themselves anew do so only while somebody can see them.
"use strict";

document.addEventListener("htmx:before:request", (event) => {
  const isLive = event.target.getAttribute?.("hx-trigger")?.startsWith("every");
  if (isLive && document.hidden) event.preventDefault();
});
