// A button with data-copy puts what a field holds on the clipboard. Without this file there is no button; the field can be selected.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Without TLS there is no clipboard of that kind; the older way works where something is selected.
    document.execCommand("copy");
  }
  button.lastChild.textContent = " Copied";
});

function offer(root) {
  for (const button of root.querySelectorAll("button[data-copy][hidden]")) button.hidden = false;
}

offer(document);
new MutationObserver(() => offer(document)).observe(document.body, { childList: true, subtree: true });
