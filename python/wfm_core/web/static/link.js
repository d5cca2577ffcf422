// SPDX-License-Identifier: GPL-3.0-or-later
// The stream from the server, and in words how it is: silence is always said, whoever is silent.

import { fromServer } from "./format.js";

const LOST_SECONDS = 6; // the server says something every two seconds
const QUIET_SECONDS = 5; // of the radios
const AGAIN_MS = 2000;

export class Link {
  constructor(store, onChange) {
    this.store = store;
    this.onChange = onChange;
    this.start();
    // A tab that nobody sees gives its connection back: a browser opens six at most to one server.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.start();
      else this.source.close();
    });
  }

  start() {
    this.said = null; // when the server last said something, s
    this.opened = performance.now() / 1000;
    this.connect();
  }

  connect() {
    this.source?.close();
    this.source = new EventSource("/changes");
    this.source.onmessage = (message) => {
      this.said = performance.now() / 1000;
      this.store.take(fromServer(message.data));
      this.onChange();
    };
    this.source.onerror = () => {
      // The browser tries again by itself after a broken connection, but not after an answer that is an error.
      if (this.source.readyState === EventSource.CLOSED) {
        clearTimeout(this.again);
        this.again = setTimeout(() => { if (!document.hidden) this.connect(); }, AGAIN_MS);
      }
    };
  }

  // { state: live, quiet, wait or lost; text }
  state() {
    const now = performance.now() / 1000;
    if (this.said === null) {
      const waits = Math.floor(now - this.opened);
      return waits < 3 ? { state: "wait", text: "connecting" } : { state: "lost", text: `no connection for ${ago(waits)}, trying again` };
    }
    const silent = now - this.said;
    if (silent > LOST_SECONDS || (silent > 1.5 && this.source.readyState !== EventSource.OPEN)) {
      return { state: "lost", text: `connection lost for ${ago(silent)}, trying again` };
    }
    if (this.store.lastHeard === null) return { state: "quiet", text: "connected, no radio heard yet" };
    const quiet = this.store.now() - this.store.lastHeard;
    if (quiet > QUIET_SECONDS) return { state: "quiet", text: `nothing heard for ${ago(quiet)}` };
    return { state: "live", text: "live" };
  }
}

export function ago(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  return whole < 172800 ? `${Math.floor(whole / 3600)} h` : `${Math.floor(whole / 86400)} days`;
}
