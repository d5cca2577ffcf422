// SPDX-License-Identifier: GPL-3.0-or-later
// What is shown: words, a band and a least score. It stands in the address, so that it can be kept and passed on.

import { edges, place } from "./format.js";

const FIELDS = ["site", "radio", "task", "label"];

export class Filter {
  constructor(onChange) {
    this.inputs = {};
    for (const name of ["text", "from", "to", "score"]) {
      this.inputs[name] = document.getElementById(`filter-${name}`);
      this.inputs[name].addEventListener("input", () => { this.read(); this.keep(); onChange(); });
    }
    document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("filter-clear").addEventListener("click", () => { this.set({}); onChange(); });
    addEventListener("hashchange", () => { if (this.hash() !== location.hash.slice(1)) { this.load(); onChange(); } });
    this.load();
  }

  load() {
    const said = new URLSearchParams(location.hash.slice(1));
    for (const [name, input] of Object.entries(this.inputs)) input.value = said.get(name) ?? "";
    this.read();
  }

  set(values) {
    for (const [name, input] of Object.entries(this.inputs)) input.value = values[name] ?? "";
    this.read();
    this.keep();
  }

  hash() {
    const said = new URLSearchParams();
    for (const [name, input] of Object.entries(this.inputs)) if (input.value) said.set(name, input.value);
    return said.toString();
  }

  keep() {
    history.replaceState(null, "", this.hash() ? `#${this.hash()}` : location.pathname);
  }

  read() {
    this.words = this.inputs.text.value.toLowerCase().split(/[\s,]+/).filter(Boolean).map(readWord);
    this.from = this.readNumber("from", -Infinity) * 1e6;
    this.to = this.readNumber("to", Infinity) * 1e6;
    this.score = this.readNumber("score", -Infinity);
    this.used = Object.values(this.inputs).some((input) => input.value !== "");
  }

  // One that is none counts as not given, and says so by its frame.
  readNumber(name, otherwise) {
    const text = this.inputs[name].value.trim().replace(",", ".");
    const value = text === "" ? otherwise : Number(text);
    this.inputs[name].setAttribute("aria-invalid", String(Number.isNaN(value)));
    return Number.isNaN(value) ? otherwise : value;
  }

  event(event) {
    const [lower, upper] = edges(event) ?? [place(event), place(event)];
    return this.says(event) && this.inBand(lower, upper) && this.scored(event.score);
  }

  heard(row) {
    return this.says({ ...row, label: row.heard }) && this.inBand(row.freq, row.freq) && this.scored(row.score);
  }

  // A radio is shown for its own name and place, or for what it hears.
  radio(radio, events, heard) {
    const half = (radio.sample_rate ?? 0) / 2;
    const [lower, upper] = radio.rx_freq === null ? [null, null] : [radio.rx_freq - half, radio.rx_freq + half];
    const here = this.inBand(lower, upper) && this.score === -Infinity;
    const own = { site: radio.site, radio: radio.radio, task: "", label: "" };
    if (here && this.says(own)) return true;
    const its = (one) => one.site === radio.site && one.radio === radio.radio;
    return events.some(its) || heard.some(its);
  }

  says(of) {
    return this.words.every(({ field, text, not }) => {
      const found = (field ? [field] : FIELDS).some((name) => String(of[name]).toLowerCase().includes(text));
      return found !== not;
    });
  }

  inBand(lower, upper) {
    if (this.from === -Infinity && this.to === Infinity) return true;
    return lower !== null && upper !== null && lower <= this.to && upper >= this.from;
  }

  scored(score) {
    return this.score === -Infinity || (score !== null && score >= this.score);
  }
}

// word, field:word, -word
function readWord(word) {
  const not = word.length > 1 && word.startsWith("-");
  const text = not ? word.slice(1) : word;
  const field = FIELDS.find((name) => text.startsWith(`${name}:`)) ?? null;
  return { field, not, text: field ? text.slice(field.length + 1) : text };
}
