// SPDX-License-Identifier: GPL-3.0-or-later
// Waterfalls: of a radio's last rows, the newest on top, and of a recording, its begin on top.

import { PALETTE } from "./colours.js";
import { edges, mhz } from "./format.js";
import { begin, drawBoxes, label } from "./plot.js";

const ROWS = 160;
const WEAKEST = 0.05; // shares of the levels that the shades reach from and to
const STRONGEST = 0.999;
const INSET = 2; // pixels, of boxes as wide as the band
const LEAST_RANGE = 10; // dB: silence is not to look like a signal

// Draws a radio's rows with the boxes of its events, and returns the boxes; each has its event.
export function drawRadio(canvas, radio, events) {
  const plot = begin(canvas);
  if (plot === null) return [];
  const rows = alike(radio.rows);
  if (rows.length === 0) {
    label(plot, "no spectrum: connect WFM Spectrum Rows to the publisher", plot.width / 2, plot.height / 2, "middle");
    return [];
  }
  const newest = rows[rows.length - 1];
  const end = newest.sample_start + newest.sample_count;
  const bins = newest.levels.length;
  const image = new ImageData(bins, ROWS);
  const shade = shader(rows.map((row) => row.levels), newest.step);
  for (const row of rows) {
    const line = Math.round((end - row.sample_start) / row.sample_count) - 1;
    if (line >= 0 && line < ROWS) paint(image, line, row.levels, shade);
  }
  spread(plot, image);
  const middle = newest.rx_freq ?? 0;
  const [low, high] = [middle - newest.sample_rate / 2, middle + newest.sample_rate / 2];
  const height = (sample) => (plot.height * (end - sample)) / (ROWS * newest.sample_count);
  const boxes = events.filter((event) => event.run === radio.run && event.sample_start !== null).map((event) => {
    const last = event.open ? end : event.sample_start + event.sample_count;
    const [left, right] = sides(plot, low, high, ...(edges(event) ?? [null, null]));
    return { left, right, top: height(last), bottom: height(event.sample_start), label: event.label, event };
  }).filter((box) => box.bottom > 0 && box.top < plot.height && box.right > 0 && box.left < plot.width);
  drawBoxes(plot, boxes);
  axis(plot, low, high, newest.rx_freq !== undefined);
  const seconds = (ROWS * newest.sample_count) / newest.sample_rate;
  label(plot, `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`, 2, plot.height - 24);
  return boxes;
}

// Draws what /recording told; `marked` is { from, to, lower, upper } in s and Hz, of an event that was opened.
export function drawRecording(canvas, told, marked) {
  const plot = begin(canvas);
  if (plot === null) return;
  const rows = Math.floor(told.levels.length / told.columns);
  const image = new ImageData(told.columns, rows);
  const shade = shader([told.levels], told.step);
  for (let line = 0; line < rows; line += 1) {
    paint(image, line, told.levels.subarray(line * told.columns, (line + 1) * told.columns), shade);
  }
  spread(plot, image);
  const middle = told.freq ?? 0;
  const [low, high] = [middle - told.sample_rate / 2, middle + told.sample_rate / 2];
  const down = (seconds) => (plot.height * seconds) / told.seconds;
  const boxes = told.marks.map((mark) => {
    const [left, right] = sides(plot, low, high, mark.lower, mark.upper);
    const [from, to] = [mark.sample_start, mark.sample_start + mark.sample_count].map((sample) => sample / told.sample_rate);
    return { left, right, top: down(from), bottom: down(to), label: mark.label };
  });
  if (marked) {
    const [left, right] = sides(plot, low, high, marked.lower, marked.upper);
    boxes.push({ left, right, top: down(marked.from), bottom: down(marked.to), label: marked.label, chosen: true });
  }
  drawBoxes(plot, boxes);
  axis(plot, low, high, told.freq !== null);
}

// Of a box in a band from low to high; without edges it is as wide as the band.
function sides(plot, low, high, lower, upper) {
  const across = (hertz) => (plot.width * (hertz - low)) / (high - low);
  return lower === null ? [INSET, plot.width - INSET] : [across(lower), across(upper)];
}

// The rows from the last retune on: others would stand on a wrong axis.
function alike(rows) {
  const newest = rows[rows.length - 1];
  const same = (row) => row.rx_freq === newest.rx_freq && row.sample_rate === newest.sample_rate && row.levels.length === newest.levels.length;
  let first = rows.length;
  while (first > 0 && same(rows[first - 1])) first -= 1;
  return rows.slice(first);
}

// From a byte to its shade.
function shader(lines, step) {
  const counts = new Uint32Array(256);
  let total = 0;
  for (const levels of lines) {
    for (const level of levels) counts[level] += 1;
    total += levels.length;
  }
  const weak = quantile(counts, total * WEAKEST);
  const strong = Math.max(quantile(counts, total * STRONGEST), weak + LEAST_RANGE / step);
  return Uint8Array.from({ length: 256 }, (_, level) => Math.min(Math.max(Math.round((255 * (level - weak)) / (strong - weak)), 0), 255));
}

function quantile(counts, wanted) {
  let seen = 0;
  for (let level = 0; level < 256; level += 1) {
    seen += counts[level];
    if (seen > wanted) return level;
  }
  return 255;
}

function paint(image, line, levels, shade) {
  for (let bin = 0; bin < levels.length; bin += 1) {
    const from = 4 * shade[levels[bin]];
    image.data.set(PALETTE.subarray(from, from + 4), 4 * (line * image.width + bin));
  }
}

function spread({ context, width, height }, image) {
  const small = new OffscreenCanvas(image.width, image.height);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, width, height);
}

function axis(plot, low, high, known) {
  const y = plot.height - 8;
  const text = (hertz) => mhz(hertz, high - low < 1e5 ? 4 : 3);
  label(plot, text(low), 0, y);
  label(plot, `${text((low + high) / 2)} MHz${known ? "" : " from the middle"}`, plot.width / 2, y, "middle");
  label(plot, text(high), plot.width, y, "right");
}
