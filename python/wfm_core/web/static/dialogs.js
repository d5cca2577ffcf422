// SPDX-License-Identifier: GPL-3.0-or-later
// What a click opens: an event, a recording, or help. One dialog, which Escape closes; focus goes back where it was.

import { bytesOf } from "./store.js";
import { clock, edges, element, fromServer, mhz, number, utc, width } from "./format.js";
import { drawRecording } from "./waterfall.js";

const KEYS = [
  ["/", "to the filter"], ["e", "to the events"], ["t", "to the timeline"], ["p", "pause, and go on"], ["?", "this help"],
  ["↑ ↓ Home End", "choose a row of a table"], ["← →", "choose an event on the timeline"], ["Enter", "open what is chosen"],
  ["Escape", "close"],
];

export class Dialogs {
  // recordings: gives a promise of the list.
  constructor(recordings) {
    this.dialog = document.getElementById("dialog");
    this.title = document.getElementById("dialog-title");
    this.body = document.getElementById("dialog-body");
    this.recordings = recordings;
    this.redraw = null;
    document.getElementById("dialog-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
    addEventListener("resize", () => this.redraw?.());
  }

  get isOpen() {
    return this.dialog.open;
  }

  show(title, ...content) {
    this.redraw = null;
    this.title.textContent = title;
    this.body.replaceChildren(...content);
    if (!this.dialog.open) this.dialog.showModal();
  }

  help() {
    const keys = element("dl");
    for (const [key, text] of KEYS) keys.append(element("dt", {}, element("kbd", {}, key)), element("dd", {}, text));
    const words = "Words of the filter are looked for in site, radio, task and label, and all must be found. site:, radio:, task: and "
      + "label: before a word look there alone, - before it leaves out what has it.";
    this.show("Help", keys, element("p", {}, words));
  }

  event(event, now) {
    const facts = element("dl");
    const say = (name, text) => facts.append(element("dt", {}, name), element("dd", {}, text));
    say("Task", event.task);
    say("Label", event.label);
    say("Score", number(event.score, 3));
    say("Site, radio", `${event.site}, ${event.radio}`);
    say("Begin", `${clock(event.at, now)} (${event.radio_clock ? "the radio's clock" : "this computer's clock"})`);
    if (event.rx_time !== null) say("By the radio", `${utc(event.rx_time)}`);
    say("Lasts", event.open ? "goes on" : `${number(event.duration, 3)} s`);
    const band = edges(event);
    if (band) say("Frequency", `${mhz(band[0])} to ${mhz(band[1])} MHz, ${width(band[1] - band[0])} wide${event.rx_freq === null ? ", from the middle of the band" : ""}`);
    if (event.rx_freq !== null) say("Receiver at", `${mhz(event.rx_freq)} MHz`);
    if (event.snr_db !== null) say("SNR", `${number(event.snr_db, 1)} dB`);
    if (event.sample_start !== null) say("Samples", `${event.sample_start}, ${event.sample_count ?? "–"} of them`);
    if (event.model) say("Model", event.model_sha256 ? `${event.model} (${event.model_sha256.slice(0, 12)})` : event.model);
    say("Run, message", `${event.run}, ${event.sequence}`);
    const found = element("div", { role: "status" });
    this.show(`${event.label}, ${event.radio}`, facts, found);
    this.recordings().then((listed) => {
      if (listed === null) return;
      const holding = listed.filter((one) => holds(one, event));
      if (holding.length === 0) {
        found.replaceChildren(element("p", { class: "none" }, "No recording of the folder holds this time and frequency."));
        return;
      }
      const items = holding.slice(0, 10).map((one) => {
        const open = element("button", { type: "button" }, one.name);
        open.addEventListener("click", () => this.recording(one, event));
        return element("li", {}, open);
      });
      found.replaceChildren(element("h3", {}, "Recordings that hold it"), element("ul", {}, ...items));
    });
  }

  async recording(one, event = null) {
    if (one.error) {
      this.show(one.name, element("p", {}, one.error));
      return;
    }
    this.show(one.name, element("p", { class: "none" }, "reading"));
    const query = new URLSearchParams({ name: one.name });
    let told;
    try {
      const answer = await fetch(`/recording?${query}`);
      const text = await answer.text();
      if (!answer.ok) throw new Error(text.trim());
      told = fromServer(text);
    } catch (error) {
      this.show(one.name, element("p", {}, `It could not be read: ${error.message}`));
      return;
    }
    if (!this.dialog.open || this.title.textContent !== one.name) return; // closed meanwhile, or another one is open
    told.levels = bytesOf(told.levels);
    const canvas = element("canvas", { role: "img", "aria-label": `Waterfall of ${one.name}` });
    const begin = told.time === null ? "" : `, from ${utc(told.time)}`;
    const facts = element("p", {}, `${mhz(told.freq)} MHz, ${number(told.sample_rate / 1e3, 1)} kS/s, ${number(told.seconds, 3)} s${begin}`);
    const keep = element("p", {}, link(one.name, "meta", "metadata"), ", ", link(one.name, "data", "samples"));
    this.show(one.name, facts, canvas, marksTable(told), keep);
    const marked = event && placeIn(told, event);
    this.redraw = () => drawRecording(canvas, told, marked);
    this.redraw();
  }
}

function link(name, part, text) {
  return element("a", { href: `/recording?${new URLSearchParams({ name, part })}`, download: "" }, `Keep the ${text}`);
}

function marksTable(told) {
  if (told.marks.length === 0) return element("p", { class: "none" }, "It has no annotations.");
  const rows = told.marks.map((mark) => element("tr", {},
    element("td", { class: "number" }, number(mark.sample_start / told.sample_rate, 3)),
    element("td", { class: "number" }, number(mark.sample_count / told.sample_rate, 3)),
    element("td", { class: "number" }, mark.lower === null ? "–" : mhz((mark.lower + mark.upper) / 2)),
    element("td", {}, mark.label), element("td", { class: "less" }, mark.comment)));
  const heads = [["Begin (s)", "number"], ["Seconds", "number"], ["MHz", "number"], ["Label", ""], ["Comment", "less"]];
  const head = element("tr", {}, ...heads.map(([text, name]) => element("th", { scope: "col", class: name }, text)));
  return element("div", { class: "scroll", tabindex: "0" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
}

// Times of the radio where it said one: a recording has the same.
const beginOf = (event) => event.rx_time ?? event.at;

export function holds(recording, event) {
  if (recording.error || recording.time === null) return false;
  const begin = beginOf(event);
  if (begin + (event.duration ?? 0) < recording.time || begin > recording.time + recording.seconds) return false;
  const band = edges(event) ?? (event.rx_freq === null ? null : [event.rx_freq, event.rx_freq]);
  if (band === null || event.rx_freq === null || recording.freq === null) return true;
  const half = recording.sample_rate / 2;
  return band[0] <= recording.freq + half && band[1] >= recording.freq - half;
}

function placeIn(told, event) {
  const from = beginOf(event) - told.time;
  const [lower, upper] = edges(event) ?? [null, null];
  return { from, to: from + (event.duration ?? 0), lower, upper, label: event.label };
}
