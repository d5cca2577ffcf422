// SPDX-License-Identifier: GPL-3.0-or-later
// What both kinds of picture share: a canvas of the screen's own pixels, boxes on it, and which one is at a place.

import { colourOf } from "./colours.js";

const LEAST_SIDE = 4; // of a box: a tone, or a short burst, is to be seen and hit
const REACH = 6; // pixels by which a finger or the mouse may miss

// { context, width, height } in CSS pixels; null while it is not shown.
export function begin(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0 || height === 0) return null;
  const scale = devicePixelRatio || 1;
  const [wide, tall] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== tall) [canvas.width, canvas.height] = [wide, tall];
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  context.textBaseline = "middle";
  return { context, width, height };
}

// Boxes { left, right, top, bottom, label, chosen } in CSS pixels: their frames, then names where there is room.
export function drawBoxes({ context, width, height }, boxes, filled = false) {
  const taken = [];
  for (const box of boxes) {
    grow(box, "left", "right");
    grow(box, "top", "bottom");
    context.strokeStyle = box.chosen ? "#ffffff" : colourOf(box.label);
    context.lineWidth = box.chosen ? 3 : 1.5;
    if (filled) {
      context.globalAlpha = 0.35;
      context.fillStyle = colourOf(box.label);
      context.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
      context.globalAlpha = 1;
    }
    context.strokeRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  }
  for (const box of [...boxes].reverse()) {
    const text = box.label.length > 24 ? `${box.label.slice(0, 23)}…` : box.label;
    const wide = context.measureText(text).width + 6;
    for (const top of [box.top - 15, box.bottom + 1, box.top + 1]) {
      const left = Math.min(Math.max(box.left, 0), width - wide);
      const plate = { left, top, right: left + wide, bottom: top + 14 };
      if (top < 0 || plate.bottom > height || taken.some((other) => meet(plate, other))) continue;
      taken.push(plate);
      context.fillStyle = colourOf(box.label);
      context.fillRect(left, top, wide, 14);
      context.fillStyle = "#000000";
      context.fillText(text, left + 3, top + 7.5);
      break;
    }
  }
}

function grow(box, from, to) {
  const more = Math.max(LEAST_SIDE - (box[to] - box[from]), 0) / 2;
  box[from] -= more;
  box[to] += more;
}

const meet = (one, other) => one.left < other.right && one.right > other.left && one.top < other.bottom && one.bottom > other.top;

// The smallest box at the place of a mouse event, or null.
export function boxAt(boxes, event) {
  const [x, y] = [event.offsetX, event.offsetY];
  const size = (box) => (box.right - box.left) * (box.bottom - box.top);
  const hit = boxes.filter((box) => x >= box.left - REACH && x <= box.right + REACH && y >= box.top - REACH && y <= box.bottom + REACH);
  return hit.sort((one, other) => size(one) - size(other))[0] ?? null;
}

export function label({ context, width }, text, x, y, align = "left") {
  const wide = context.measureText(text).width;
  const left = Math.min(Math.max(align === "left" ? x : align === "right" ? x - wide : x - wide / 2, 2), width - wide - 2);
  context.fillStyle = "rgb(0 0 20 / 75%)";
  context.fillRect(left - 2, y - 7, wide + 4, 14);
  context.fillStyle = "#dfe6f0";
  context.fillText(text, left, y + 0.5);
}
