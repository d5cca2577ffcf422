// SPDX-License-Identifier: GPL-3.0-or-later
// Colours of labels and shades of waterfalls, as wfm_core/evaluate/figures/label_colours.py has them.

const FIRST = ["#ff5a36", "#35d04f", "#ffd21f", "#ff4fd8", "#2ee6e6", "#ff9d1f", "#b58cff", "#a6e22e"];
const SHADES = [[0, 0, 20], [20, 30, 90], [40, 90, 130], [120, 160, 160], [235, 240, 230]];
const MOST_LABELS = 1000;

const numbers = new Map();

// One colour a label, in the order in which labels turn up.
export function colourOf(label) {
  if (!numbers.has(label)) {
    if (numbers.size >= MOST_LABELS) numbers.clear();
    numbers.set(label, numbers.size);
  }
  const one = numbers.get(label);
  if (one < FIRST.length) return FIRST[one];
  const later = one - FIRST.length;
  return `hsl(${Math.round(((0.58 + later * 0.618034) % 1) * 360)} 95% ${[70, 78, 65][later % 3]}%)`;
}

// 256 shades from the weakest to the strongest level, four bytes each.
export const PALETTE = new Uint8ClampedArray(256 * 4);
for (let one = 0; one < 256; one += 1) {
  const place = (one / 255) * (SHADES.length - 1);
  const lower = Math.min(Math.floor(place), SHADES.length - 2);
  for (let part = 0; part < 3; part += 1) {
    PALETTE[4 * one + part] = SHADES[lower][part] + (place - lower) * (SHADES[lower + 1][part] - SHADES[lower][part]);
  }
  PALETTE[4 * one + 3] = 255;
}
