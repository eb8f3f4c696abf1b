// Text areas with line numbers: the line at which something is wrong is marked. Tab stays the key that moves the focus.
"use strict";

function lineCount(area) {
  return area.value.split("\n").length;
}

function draw(area) {
  const gutter = area.previousElementSibling;
  const wrong = Number(area.dataset.line);
  const count = lineCount(area);
  while (gutter.childElementCount > count) gutter.lastElementChild.remove();
  while (gutter.childElementCount < count) {
    const line = document.createElement("span");
    line.textContent = gutter.childElementCount + 1;
    gutter.append(line);
  }
  for (const [index, line] of [...gutter.children].entries()) line.classList.toggle("wrong", index + 1 === wrong);
  gutter.scrollTop = area.scrollTop;
}

function adoptArea(area) {
  if (area.previousElementSibling?.className === "gutter") return;
  const gutter = document.createElement("div");
  gutter.className = "gutter";
  gutter.setAttribute("aria-hidden", "true");
  area.before(gutter);
  area.addEventListener("input", () => draw(area));
  area.addEventListener("scroll", () => (gutter.scrollTop = area.scrollTop));
  draw(area);
}

// A preview says which line is wrong; its text area shows it, and is valid again when nothing is.
function follow(preview) {
  const area = document.getElementById(preview.dataset.of);
  if (!area) return;
  if (preview.dataset.line) area.dataset.line = preview.dataset.line;
  else delete area.dataset.line;
  if (preview.querySelector(".trouble")) area.setAttribute("aria-invalid", "true");
  else area.removeAttribute("aria-invalid");
  if (area.previousElementSibling?.className === "gutter") draw(area);
}

function goThere({ goto: id, line, column }) {
  const area = document.getElementById(id);
  const start = area.value.split("\n").slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const place = Math.min(start + Number(column) - 1, area.value.length);
  area.focus();
  area.setSelectionRange(place, Math.min(place + 1, area.value.length));
}

function adoptIn(root) {
  for (const area of root.querySelectorAll("textarea[data-lines]")) adoptArea(area);
  for (const button of root.querySelectorAll("button[data-goto]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-goto]");
  if (button) goThere(button.dataset);
});

new MutationObserver((changes) => {
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) {
      if (!(node instanceof Element)) continue;
      adoptIn(node);
      if (node.matches(".preview")) follow(node);
    }
  }
}).observe(document.body, { childList: true, subtree: true });

adoptIn(document);
for (const preview of document.querySelectorAll(".preview[data-line]")) follow(preview);
