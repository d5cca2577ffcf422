// SPDX-License-Identifier: GPL-3.0-or-later
// Events over time (to the right, now at the edge) and frequency (upwards), a lane for each band that is heard.

import { clock, edges, mhz, place } from "./format.js";
import { begin, boxAt, drawBoxes, label } from "./plot.js";

const MOST_LANES = 8;
const NARROW = 25e3; // Hz to either side, of what has no edges and no known rate
const PAD = 3; // pixels within a lane
const TICKS = 4;

export class Timeline {
  // open: called with an event; `says` gets what is chosen, in words.
  constructor(open) {
    this.canvas = document.getElementById("timeline");
    this.says = document.getElementById("timeline-says");
    this.boxes = [];
    this.events = [];
    this.chosen = null; // id
    this.open = open;
    this.canvas.addEventListener("click", (event) => {
      const box = boxAt(this.boxes, event);
      if (box) { this.choose(box.event); open(box.event); }
    });
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  // Events that pass the filter, in the order of time; the radios give their bands.
  draw(events, radios, now, span) {
    const plot = begin(this.canvas);
    if (plot === null) return;
    this.now = now;
    const ends = (event) => (event.open ? now : event.at + (event.duration ?? 0));
    this.events = events.filter((event) => ends(event) >= now - span && event.at <= now);
    const lanes = lanesOf(this.events, radios);
    const tall = (plot.height - 16) / Math.max(lanes.length, 1);
    const across = (seconds) => plot.width * (1 - (now - seconds) / span);
    plot.context.strokeStyle = "#55627a";
    plot.context.lineWidth = 1;
    for (let tick = 1; tick < TICKS; tick += 1) line(plot, (plot.width * tick) / TICKS, 0, (plot.width * tick) / TICKS, plot.height);
    lanes.forEach((lane, number) => { if (number) line(plot, 0, number * tall, plot.width, number * tall); });
    this.boxes = [];
    lanes.forEach((lane, number) => {
      const height = (hertz) => (number + 1) * tall - PAD - ((tall - 2 * PAD) * (hertz - lane.low)) / (lane.high - lane.low || 1);
      for (const { event, lower, upper } of lane.events) {
        this.boxes.push({
          left: across(event.at), right: across(ends(event)), top: height(upper), bottom: height(lower),
          label: event.label, event, chosen: event.id === this.chosen,
        });
      }
    });
    drawBoxes(plot, this.boxes, true);
    lanes.forEach((lane, number) => label(plot, lane.name, 2, number * tall + 9));
    for (let tick = 0; tick < TICKS; tick += 1) {
      label(plot, clock(now - span * (1 - tick / TICKS), now).slice(0, -2), (plot.width * tick) / TICKS, plot.height - 8);
    }
    if (this.events.length === 0) label(plot, "no events in this time", plot.width / 2, plot.height / 2, "middle");
  }

  // How often each label is on it, the most frequent first.
  labels() {
    const counts = new Map();
    for (const event of this.events) counts.set(event.label, (counts.get(event.label) ?? 0) + 1);
    return [...counts].sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1));
  }

  choose(event) {
    this.chosen = event.id;
    const score = event.score === null ? "" : `, score ${event.score.toFixed(2)}`;
    this.says.textContent = `${event.label} at ${mhz(place(event))} MHz, ${clock(event.at, this.now)}, radio ${event.radio}${score}`;
  }

  onKey(event) {
    const at = this.events.findIndex((one) => one.id === this.chosen);
    const last = this.events.length - 1;
    const to = { ArrowRight: at + 1, ArrowLeft: at < 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (to !== undefined && last >= 0) this.choose(this.events[Math.min(Math.max(to, 0), last)]);
    else if ((event.key === "Enter" || event.key === " ") && at >= 0) this.open(this.events[at]);
    else return;
    event.preventDefault();
  }
}

// Bands that touch make one lane; of the radios those that are heard at all, so that an empty band is seen to be empty.
function lanesOf(events, radios) {
  const parts = [];
  const rates = new Map(radios.map((radio) => [radio.site + "\n" + radio.radio, radio.sample_rate]));
  for (const radio of radios) {
    if (radio.rx_freq === null) continue;
    const half = radio.sample_rate ? radio.sample_rate / 2 : NARROW;
    parts.push({ group: "", lower: radio.rx_freq - half, upper: radio.rx_freq + half });
  }
  for (const event of events) {
    const known = edges(event);
    const rate = rates.get(event.site + "\n" + event.radio);
    const half = rate ? rate / 2 : NARROW;
    const [lower, upper] = known ?? [(event.rx_freq ?? 0) - half, (event.rx_freq ?? 0) + half];
    const group = event.rx_freq === null ? `${event.site} ${event.radio}, frequency not known` : "";
    parts.push({ group, lower, upper, event });
  }
  parts.sort((one, other) => (one.group < other.group ? -1 : one.group > other.group ? 1 : one.lower - other.lower));
  const lanes = [];
  for (const part of parts) {
    const lane = lanes[lanes.length - 1];
    const near = lane && lane.group === part.group && (part.lower <= lane.high || lanes.length >= MOST_LANES);
    if (near) lane.high = Math.max(lane.high, part.upper);
    else if (lane && lanes.length >= MOST_LANES) continue;
    else lanes.push({ group: part.group, low: part.lower, high: part.upper, events: [] });
    if (part.event) lanes[lanes.length - 1].events.push(part);
  }
  for (const lane of lanes) lane.name = lane.group || `${mhz(lane.low, 3)}–${mhz(lane.high, 3)} MHz`;
  return lanes.reverse();
}

function line({ context }, fromX, fromY, toX, toY) {
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}
