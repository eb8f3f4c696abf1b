// Times in the reader's own zone; UTC stays at hand, in the title. Also in parts that come later.
"use strict";

const written = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = time.dateTime;
    time.textContent = written.format(new Date(time.dateTime));
  }
}

localize(document);
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) {
      if (node instanceof Element) localize(node);
    }
  }
}).observe(document.body, { childList: true, subtree: true });
