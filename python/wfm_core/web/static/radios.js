// SPDX-License-Identifier: GPL-3.0-or-later
// A card for each radio: its waterfall, where it is tuned to, and how it does.

import { element, mhz, number, width } from "./format.js";
import { ago } from "./link.js";
import { boxAt } from "./plot.js";
import { drawRadio } from "./waterfall.js";

export class Radios {
  constructor(open) {
    this.list = document.getElementById("radios");
    this.none = document.getElementById("radios-none");
    this.open = open;
    this.cards = new Map();
  }

  show(radios, events, now, any) {
    const wanted = new Set(radios.map((radio) => radio.key));
    for (const [key, card] of this.cards) {
      if (wanted.has(key)) continue;
      card.item.remove();
      this.cards.delete(key);
    }
    radios.forEach((radio, place) => {
      const card = this.cardOf(radio);
      if (this.list.children[place] !== card.item) this.list.insertBefore(card.item, this.list.children[place] ?? null);
      const its = events.filter((event) => event.site === radio.site && event.radio === radio.radio);
      card.boxes = drawRadio(card.canvas, radio, its);
      say(card.facts, facts(radio, now));
      const trouble = troubles(radio);
      say(card.trouble, trouble);
      card.trouble.hidden = trouble === "";
    });
    this.none.hidden = any;
  }

  cardOf(radio) {
    if (this.cards.has(radio.key)) return this.cards.get(radio.key);
    const card = {
      canvas: element("canvas", { role: "img", "aria-label": `Waterfall of radio ${radio.radio} at ${radio.site}` }),
      facts: element("p"),
      trouble: element("p", { class: "bad" }),
      boxes: [],
    };
    card.item = element("li", { class: "radio" }, element("h3", {}, `${radio.radio} (${radio.site})`), card.canvas, card.facts, card.trouble);
    card.canvas.addEventListener("click", (event) => {
      const box = boxAt(card.boxes, event);
      if (box) this.open(box.event);
    });
    this.cards.set(radio.key, card);
    return card;
  }
}

function facts(radio, now) {
  const parts = [`${mhz(radio.rx_freq)} MHz`];
  if (radio.sample_rate !== null) parts.push(`${width(radio.sample_rate)} wide`);
  parts.push(`heard ${ago(now - radio.heard)} ago`);
  const { bundle, windows_inferred: inferred, latency_ms_p95: late } = radio.status;
  if (bundle) parts.push(bundle);
  if (typeof inferred === "number") parts.push(`${inferred} windows`);
  if (typeof late === "number") parts.push(`latency ${number(late, 0)} ms`);
  return parts.join(", ");
}

function troubles({ status, notice }) {
  const parts = [];
  for (const [name, text] of [["windows_dropped", "windows dropped"], ["windows_undecided", "windows undecided"],
    ["samples_lost", "samples lost"], ["samples_lost_estimated", "samples lost (estimated)"]]) {
    if (status[name] > 0) parts.push(`${status[name]} ${text}`);
  }
  if (status.undecided_because) parts.push(status.undecided_because);
  if (status.error) parts.push(status.error);
  else if (status.ended === true) parts.push("the stream has ended");
  if (notice) parts.push(notice);
  return parts.join("; ");
}

function say(shown, text) {
  if (shown.textContent !== text) shown.textContent = text;
}
