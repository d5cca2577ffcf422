// SPDX-License-Identifier: GPL-3.0-or-later
// Ties the parts of the page together, and draws what has changed.

import { colourOf } from "./colours.js";
import { Dialogs } from "./dialogs.js";
import { Filter } from "./filter.js";
import { clock, element, fromServer, mhz, number, place, utc } from "./format.js";
import { Grid } from "./grid.js";
import { Link, ago } from "./link.js";
import { Radios } from "./radios.js";
import { Store } from "./store.js";
import { Timeline } from "./timeline.js";

const MOST_ROWS = 200; // that a table shows
const MOST_LABELS = 24;
const DRAW_MS = 200;
const CLOCK_MS = 1000;

const store = new Store();
const byId = (id) => document.getElementById(id);
let paused = null; // what was known when the page was stopped: { moment (s), radios, heard, events }
let due = true;

const dialogs = new Dialogs(listRecordings);
const openEvent = (event) => dialogs.event(event, now());
const filter = new Filter(() => { due = true; });
const link = new Link(store, () => { due = true; });
const radios = new Radios(openEvent);
const timeline = new Timeline(openEvent);
const heardGrid = new Grid("heard", (row) => [
  row.site, row.radio, mhz(row.freq), row.task, { text: row.heard, swatch: colourOf(row.heard) }, number(row.score, 2),
  number(row.level, 1), String(row.count), ago(now() - row.at),
], (row) => { filter.set({ text: `radio:${word(row.radio)} label:${word(row.heard)}` }); due = true; });
const eventGrid = new Grid("events", (event) => [
  clock(event.at, now()), event.open ? "goes on" : number(event.duration, 3), event.site, event.radio, mhz(place(event)),
  { text: event.label, swatch: colourOf(event.label) }, number(event.score, 2),
], openEvent);
const recordingGrid = new Grid("recordings", (one) => [
  one.error ? `${one.name} (cannot be read)` : one.name, one.time == null ? "–" : utc(one.time).slice(0, 19), number(one.seconds, 2),
  mhz(one.freq), one.sample_rate ? number(one.sample_rate / 1e3, 1) : "–", (one.labels ?? []).join(", "),
], (one) => dialogs.recording(one));

function now() {
  return paused?.moment ?? store.now();
}

// What a filter takes as one word.
function word(text) {
  return text.split(/[\s,]+/)[0];
}

function draw() {
  const known = paused ?? store;
  const events = [...known.events.values()].filter((event) => filter.event(event)).sort((one, other) => one.at - other.at);
  const heard = [...known.heard.values()].filter((row) => filter.heard(row)).sort(byPlace);
  const shown = [...known.radios.values()].filter((radio) => filter.radio(radio, events, heard)).sort(byPlace);
  radios.show(shown, events, now(), known.radios.size > 0);
  timeline.draw(events, shown, now(), Number(byId("span").value));
  heardGrid.show(heard.slice(0, MOST_ROWS));
  eventGrid.show(events.slice(-MOST_ROWS).reverse());
  showLegend();
  const { received, missed, refused } = store.counts;
  say(byId("counts"), `${received} received, ${missed} missed, ${refused} refused`);
  say(byId("filter-says"), filter.used ? `${events.length} of ${known.events.size} events` : "");
}

function byPlace(one, other) {
  const place = (of) => [of.site, of.radio, of.freq ?? 0, of.task ?? "", of.heard ?? ""];
  const [left, right] = [place(one), place(other)];
  const at = left.findIndex((value, number) => value !== right[number]);
  if (at < 0) return 0;
  return left[at] < right[at] ? -1 : 1;
}

// Buttons that stay while their labels do, so that none is lost under a finger.
function showLegend() {
  const list = byId("legend");
  const labels = timeline.labels().slice(0, MOST_LABELS).map(([label]) => label).sort();
  if (JSON.stringify(labels) === list.dataset.labels) return;
  list.dataset.labels = JSON.stringify(labels);
  list.replaceChildren(...labels.map((label) => {
    const mark = element("span", { class: "swatch" });
    mark.style.background = colourOf(label);
    const button = element("button", { type: "button" }, mark, label);
    button.addEventListener("click", () => { filter.set({ text: `label:${word(label)}` }); due = true; });
    return element("li", {}, button);
  }));
}

function say(shown, text) {
  if (shown.textContent !== text) shown.textContent = text;
}

function showLink() {
  const { state, text } = link.state();
  byId("link").dataset.state = state;
  say(byId("link"), paused === null ? text : `paused; ${text}`);
}

function pause() {
  paused = paused === null ? store.copy() : null;
  byId("pause").setAttribute("aria-pressed", String(paused !== null));
  byId("pause").textContent = paused === null ? "Pause" : "Go on";
  due = true;
  showLink();
}

async function listRecordings() {
  try {
    return fromServer(await (await fetch("/recordings")).text()).recordings;
  } catch {
    return []; // the link says that the server is gone
  }
}

async function showRecordings() {
  const listed = await listRecordings();
  byId("recordings").hidden = listed === null;
  if (listed !== null) recordingGrid.show(listed.map((one) => ({ key: one.name, ...one })));
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || dialogs.isOpen) return;
  if (event.target.matches("input, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const act = {
    "/": () => byId("filter-text").focus(),
    "?": () => dialogs.help(),
    p: pause,
    e: () => byId("events-table").querySelector('tr[tabindex="0"]')?.focus(),
    t: () => byId("timeline").focus(),
  }[event.key];
  if (!act) return;
  act();
  event.preventDefault();
});
byId("pause").addEventListener("click", pause);
byId("help-button").addEventListener("click", () => dialogs.help());
byId("span").addEventListener("change", () => { due = true; });
byId("timeline").addEventListener("keyup", () => { due = true; });
byId("recordings-again").addEventListener("click", showRecordings);
addEventListener("resize", () => { due = true; });

// Nothing is drawn in a tab that nobody sees, and without news only the seconds that pass.
let drawn = 0;
setInterval(() => {
  const moment = performance.now();
  if (document.hidden || (!due && moment - drawn < CLOCK_MS)) return;
  drawn = moment;
  due = false;
  draw();
}, DRAW_MS);
setInterval(showLink, DRAW_MS);
showRecordings();
