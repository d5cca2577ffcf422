// SPDX-License-Identifier: GPL-3.0-or-later
// What the page knows, within limits: the server's own (wfm_core/web/board.py), so that a page that is open for weeks
// holds no more than one that was just opened.

const MOST_RADIOS = 64;
const MOST_HEARD = 400;
const MOST_EVENTS = 2000;
const MOST_ROWS = 160;

export const radioKey = (of) => JSON.stringify([of.site, of.radio]);

export class Store {
  constructor() {
    this.clear();
  }

  clear() {
    this.radios = new Map(); // by radioKey; each with its rows, oldest first
    this.heard = new Map();
    this.events = new Map(); // by id
    this.counts = { received: 0, missed: 0, refused: 0 };
    this.lastHeard = null; // s since 1970 by the server's clock
    this.ahead = 0; // s by which that clock is ahead of this one
  }

  // One message of the server: all there is where it is fresh, otherwise what has changed.
  take(told) {
    if (told.fresh) this.clear();
    this.ahead = told.now - Date.now() / 1000;
    this.lastHeard = told.last_heard;
    this.counts = told.counts;
    for (const radio of told.radios) this.takeRadio(radio);
    for (const row of told.rows) this.takeRow(row);
    for (const row of told.heard.reverse()) { // the latest came first
      const key = JSON.stringify([row.site, row.radio, row.freq, row.task, row.heard]);
      put(this.heard, key, { key, ...row }, MOST_HEARD);
    }
    for (const event of told.events) put(this.events, event.id, { key: String(event.id), ...event }, MOST_EVENTS);
  }

  takeRadio(radio) {
    const key = radioKey(radio);
    const before = this.radios.get(key);
    const rows = before && before.run === radio.run ? before.rows : [];
    put(this.radios, key, { key, ...radio, rows }, MOST_RADIOS);
  }

  takeRow(row) {
    const radio = this.radios.get(radioKey(row));
    if (!radio || radio.run !== row.run) return;
    radio.rows.push({ ...row, levels: bytesOf(row.levels) });
    radio.rows.splice(0, radio.rows.length - MOST_ROWS);
  }

  // What is known at this moment, to be looked at while the store goes on.
  copy() {
    const radios = new Map([...this.radios].map(([key, radio]) => [key, { ...radio, rows: [...radio.rows] }]));
    return { moment: this.now(), radios, heard: new Map(this.heard), events: new Map(this.events) };
  }

  now() {
    return Date.now() / 1000 + this.ahead;
  }
}

// Behind all others; the first goes where there are too many.
function put(map, key, value, most) {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value);
}

export function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
