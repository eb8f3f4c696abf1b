// Times as the reader's clock tells them; UTC stays at hand: in the title, and by the switch at the foot of the page.
"use strict";

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const SWITCH = "hub.utc";
const SIZES = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

let inUtc = localStorage.getItem(SWITCH) === "yes";

function formatOf(zone) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", timeZone: zone });
}

const formats = { utc: formatOf("UTC"), local: formatOf(undefined) };

function inFull(moment, utc) {
  return utc ? `${formats.utc.format(moment)} UTC` : formats.local.format(moment);
}

// The time of day; of another day, with its date.
function shortly(moment, utc) {
  const zone = utc ? "UTC" : undefined;
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: zone });
  const isToday = day.format(moment) === day.format(new Date());
  const style = { dateStyle: isToday ? undefined : "medium", timeStyle: "short", timeZone: zone };
  return `${new Intl.DateTimeFormat(undefined, style).format(moment)}${utc ? " UTC" : ""}`;
}

// The two largest units, as plain.py writes them: "3 h 12 min".
function age(seconds) {
  let rest = Math.max(Math.floor(seconds), 0);
  const parts = [];
  for (const [unit, size] of SIZES) {
    if (rest >= size || (unit === "s" && parts.length === 0)) parts.push(`${Math.floor(rest / size)} ${unit}`);
    else if (parts.length) break;
    rest %= size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

// Browsers may write a narrow no-break space; two writings of one time must compare equal.
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(time) {
  const moment = new Date(time.dateTime);
  const seconds = (Date.now() - moment) / 1000;
  time.title = inFull(moment, !inUtc);
  if (time.dataset.tell === "ago") put(time, seconds < 1 ? "now" : `${age(seconds)} ago`);
  else if (time.dataset.tell === "age") put(time, age(seconds));
  else if (time.dataset.tell === "clock") put(time, shortly(moment, inUtc));
  else if (time.dataset.tell === "until") put(time, seconds >= 0 ? "now" : `in ${age(-seconds)}`);
  else put(time, inFull(moment, inUtc));
}

function showAll(root) {
  if (root.matches?.("time[datetime]")) show(root);
  for (const time of root.querySelectorAll("time[datetime]")) show(time);
}

// What is typed into a field of date and time is meant in the reader's zone, and is sent as UTC.
function twoDigits(number) {
  return String(number).padStart(2, "0");
}

function asLocal(moment) {
  const day = [moment.getFullYear(), twoDigits(moment.getMonth() + 1), twoDigits(moment.getDate())].join("-");
  return `${day}T${twoDigits(moment.getHours())}:${twoDigits(moment.getMinutes())}:${twoDigits(moment.getSeconds())}`;
}

function adopt(field) {
  if (field.dataset.zone) return;
  field.dataset.zone = ZONE;
  if (field.value) field.value = asLocal(new Date(`${field.value}Z`));
  const named = field.labels[0]?.querySelector(".zone");
  if (named) named.textContent = ZONE;
}

function adoptAll(root) {
  for (const field of root.querySelectorAll("input[type=datetime-local][data-utc]")) adopt(field);
}

document.addEventListener("formdata", (event) => {
  for (const field of event.target.querySelectorAll("input[data-zone]")) {
    if (field.value) event.formData.set(field.name, new Date(field.value).toISOString().slice(0, 19));
  }
});

function showSwitch() {
  const button = document.getElementById("zone");
  // Whoever lives in UTC has nothing to switch.
  if (!button || ZONE === "UTC") return;
  button.hidden = false;
  put(button, inUtc ? `Times are in UTC. Show ${ZONE}` : `Times are in ${ZONE}. Show UTC`);
}

document.getElementById("zone")?.addEventListener("click", () => {
  inUtc = !inUtc;
  localStorage.setItem(SWITCH, inUtc ? "yes" : "no");
  showSwitch();
  showAll(document);
});

showSwitch();
showAll(document);
adoptAll(document);

new MutationObserver((changes) => {
  for (const { target, addedNodes } of changes) {
    const within = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
    const time = within?.closest("time[datetime]");
    if (time) show(time);
    for (const node of addedNodes) {
      if (!(node instanceof Element)) continue;
      showAll(node);
      adoptAll(node);
    }
  }
}).observe(document.body, { childList: true, characterData: true, subtree: true });

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-tell]")) show(time);
}, 1000);
