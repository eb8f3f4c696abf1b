// Plots of how an integration went. Without this file the same numbers stand in the table below them.
"use strict";

const HEIGHT = 170;
const STYLES = ["one", "two", "three"];
const DASHES = [[], [6, 4], [2, 3]];

function inUtcNow() {
  return localStorage.getItem("hub.utc") === "yes";
}

function shortTime(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${+seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${+(seconds / 60).toFixed(1)} min`;
  return seconds < 86400 ? `${+(seconds / 3600).toFixed(1)} h` : `${+(seconds / 86400).toFixed(1)} d`;
}

function valueOf(figure, value) {
  if (value == null) return figure.dataset.plot === "times" ? "–" : "0";
  return figure.dataset.plot === "times" ? shortTime(value) : value.toLocaleString();
}

function momentOf(seconds) {
  const utc = inUtcNow();
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone: utc ? "UTC" : undefined });
  return format.format(new Date(seconds * 1000)) + (utc ? " UTC" : "");
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function outputs(figure) {
  const items = [...figure.querySelectorAll("figcaption li")];
  return items.map((item) => item.querySelector("b") || item.appendChild(document.createElement("b")));
}

// What stands under the cursor is told beside its name; without a cursor, the newest.
function tell(figure, plot) {
  const n = plot.cursor.idx ?? plot.data[0].length - 1;
  outputs(figure).forEach((output, s) => {
    put(output, valueOf(figure, plot.data[s + 1][n]));
  });
  put(figure.querySelector(".at"), momentOf(plot.data[0][n]));
}

// A colour as it comes out, light or dark: a canvas knows no variables.
function colourOf(place, name) {
  place.style.color = `var(${name})`;
  const { color } = getComputedStyle(place);
  place.style.color = "";
  return color;
}

function seriesOf(figure, n, place) {
  const isBar = figure.dataset.plot === "counts" && n === 0;
  const colour = colourOf(place, `--plot-${STYLES[n]}`);
  const isArea = figure.dataset.plot === "depths" && n === 0;
  return {
    stroke: colour,
    width: isBar ? 0 : 2,
    dash: DASHES[n],
    fill: isBar ? colour : isArea ? `color-mix(in srgb, ${colour} 25%, transparent)` : undefined,
    paths: isBar ? uPlot.paths.bars({ size: [0.7, 40], align: 1 }) : undefined,
    points: { show: !isBar, size: figure.dataset.plot === "counts" ? 7 : 4, fill: colour },
  };
}

// Times of day, and the date where a day begins; over many days, dates alone.
function ticksOf(ticks, apart) {
  const timeZone = inUtcNow() ? "UTC" : undefined;
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone });
  const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", timeZone });
  let before = "";
  return ticks.map((tick) => {
    const moment = new Date(tick * 1000);
    const date = day.format(moment);
    const isNew = date !== before;
    before = date;
    if (apart >= 86400) return date;
    return isNew ? `${time.format(moment)}\n${date}` : time.format(moment);
  });
}

function optionsOf(figure, place, step) {
  const text = colourOf(place, "--pico-muted-color");
  const line = colourOf(place, "--pico-muted-border-color");
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const names = figure.dataset.series.split(" ");
  return {
    width: place.clientWidth,
    height: HEIGHT,
    tzDate: inUtcNow() ? (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") : undefined,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { range: (_, first, last) => [first, last + step] }, y: { range: (_, low, high) => [0, Math.max(high, 1) * 1.08] } },
    axes: [{ ...axis, values: (_, ticks, __, ___, apart) => ticksOf(ticks, apart) }, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? valueOf(figure, tick) : "")) }],
    series: [{}, ...names.map((_, n) => seriesOf(figure, n, place))],
    hooks: { setCursor: [(plot) => tell(figure, plot)], ready: [(plot) => tell(figure, plot)] },
  };
}

// A line along the bottom says nothing: what did not fail leaves a gap.
function dataOf(figure, told) {
  const isCounts = figure.dataset.plot === "counts";
  const shown = (name, n) => (isCounts && n ? told[name].map((value) => value || null) : told[name]);
  return [told.at.map((at) => Date.parse(at) / 1000), ...figure.dataset.series.split(" ").map(shown)];
}

function draw(figure, told) {
  const place = figure.querySelector(".canvas");
  place.replaceChildren();
  figure.plot = new uPlot(optionsOf(figure, place, told.step), dataOf(figure, told), place);
}

function point(plot, n) {
  plot.setCursor({ left: plot.valToPos(plot.data[0][n], "x"), top: 0 });
}

// Newer numbers in the same plot; whoever has moved the cursor there by key stays at their moment.
function renew(figure, told) {
  const { plot } = figure;
  const isRead = figure.contains(document.activeElement);
  const at = isRead && plot.cursor.idx != null ? plot.data[0][plot.cursor.idx] : null;
  plot.setData(dataOf(figure, told));
  const n = plot.data[0].indexOf(at);
  if (n >= 0) point(plot, n);
  else tell(figure, plot);
}

// The arrow keys move the cursor from step to step.
function move(figure, event) {
  const { plot } = figure;
  const last = plot.data[0].length - 1;
  const from = plot.cursor.idx ?? last;
  const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  point(plot, Math.min(Math.max(to, 0), last));
}

function prepare(figure) {
  const place = document.createElement("div");
  place.className = "canvas";
  place.tabIndex = 0;
  place.setAttribute("role", "img");
  const caption = figure.querySelector("figcaption");
  place.setAttribute("aria-label", `${caption.firstChild.textContent.trim()}: a plot. The same numbers stand in the table below. Arrow keys move from step to step.`);
  const at = document.createElement("span");
  at.className = "at";
  caption.append(at);
  caption.setAttribute("aria-live", "off");
  place.addEventListener("keydown", (event) => move(figure, event));
  place.addEventListener("focus", () => caption.setAttribute("aria-live", "polite"));
  place.addEventListener("blur", () => caption.setAttribute("aria-live", "off"));
  figure.append(place);
}

const plots = document.querySelector(".plots");
const points = document.getElementById("points");
if (plots && points) {
  const figures = [...plots.querySelectorAll("figure")];
  const told = () => JSON.parse(points.dataset.plots);
  const drawAll = () => figures.forEach((figure) => figure.plot && draw(figure, told()));
  // Drawn only where it is seen: a plot takes its width from its place.
  const showAll = () => {
    plots.hidden = "quiet" in points.dataset;
    if (plots.hidden) return;
    figures.forEach((figure) => (figure.plot ? renew : draw)(figure, told()));
  };
  figures.forEach(prepare);
  showAll();
  new MutationObserver(showAll).observe(points, { attributeFilter: ["data-plots", "data-quiet"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.getElementById("zone")?.addEventListener("click", () => setTimeout(drawAll));
  new ResizeObserver(() => {
    for (const figure of figures) {
      const { clientWidth } = figure.querySelector(".canvas");
      if (figure.plot && clientWidth && clientWidth !== figure.plot.width) figure.plot.setSize({ width: clientWidth, height: HEIGHT });
    }
  }).observe(plots);
}
