// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers and times as texts, and elements made of texts. Nothing here, or anywhere on the page, is made into markup.

// Of texts from the air: no control character, and none that turns the direction of what stands beside it. Names of
// recordings stay as they are: they are asked for by them.
export function fromServer(text) {
  return JSON.parse(text, (key, value) => (typeof value === "string" && key !== "name" ? value.replace(UNPRINTABLE, "?") : value));
}

const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function number(value, digits) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(digits) : "–";
}

export const mhz = (hertz, digits = 4) => (typeof hertz === "number" ? number(hertz / 1e6, digits) : "–");

export function width(hertz) {
  if (hertz >= 1e6) return `${number(hertz / 1e6, 3)} MHz`;
  return hertz >= 1e3 ? `${number(hertz / 1e3, 1)} kHz` : `${number(hertz, 0)} Hz`;
}

// Of this place, since whoever looks at the page is here; the day only where it is another.
export function clock(seconds, now) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "–";
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${Math.floor(date.getMilliseconds() / 100)}`;
  const today = new Date(now * 1000).toDateString() === date.toDateString();
  return today ? time : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

export function utc(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? "–" : date.toISOString().replace("T", " ");
}

const two = (value) => String(value).padStart(2, "0");

// Where it is in the band, or where its receiver was tuned to.
export function place(event) {
  if (event.freq_lower_edge !== null && event.freq_upper_edge !== null) {
    return (event.freq_lower_edge + event.freq_upper_edge) / 2;
  }
  return event.rx_freq;
}

export function edges(event) {
  if (event.freq_lower_edge === null || event.freq_upper_edge === null) return null;
  return [event.freq_lower_edge, event.freq_upper_edge];
}

// tag with attributes and children; a child that is a text stays one.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return made;
}
