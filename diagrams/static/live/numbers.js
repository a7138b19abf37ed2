// Rates, the line of moves, and a tile for each state.

import { $, h, short, span } from "./dom.js";
import { meaning, w } from "./words.js";

const STATES = ["queued", "generating", "retry_wait", "sending", "done", "refunded", "failed"];
const RATES = ["moves", "started", "done", "retries", "refunds", "failed"];
const tiles = new Map();
const rates = new Map();

export function numbers(choose) {
  for (const name of RATES) {
    const value = h("b", {}, "0");
    rates.set(name, value);
    $("#rates").append(h(`div.rate.r-${name}`, {}, value, h("span", { title: w.rates[name] + w.perMinute }, name === "moves" ? w.rates[name] + w.perMinute : w.rates[name])));
  }
  for (const name of STATES) {
    const count = h("b", {}, "0"), stay = h("small", {}, "");
    const tile = h(`button.tile.card.s-${name}`, { type: "button", title: `${meaning("states", name)} — ${w.only(name)}`, onclick: () => choose(name) }, h("span", {}, name), count, stay);
    tiles.set(name, { tile, count, stay });
    $("#states").append(tile);
  }
  $("#line").setAttribute("aria-label", w.numbersLine);
  $("#line").title = w.numbersLine;
  new ResizeObserver(() => line()).observe($("#line").parentElement);
}

export const stayWords = (stay) => (stay.p50 === stay.p95 ? `p50 ${span(stay.p50)}` : w.p(span(stay.p50), span(stay.p95)));

let bars = [];

export function showRates(data) {
  for (const [name, value] of rates) value.textContent = data.warm ? short(data.rates[name] || 0) : "…";
  for (const [name, { count, stay }] of tiles) {
    count.textContent = short(data.counts[`st:${name}`] || 0);
    const { p50, p95 } = data.stays[name] || {};
    stay.replaceChildren(...(p50 === undefined ? [] : [h("span", {}, `p50 ${span(p50)}`), h("span", {}, `p95 ${span(p95)}`)]));
  }
  bars = data.line;
  line();
}

export function markTile(name) {
  for (const [state, { tile }] of tiles) tile.setAttribute("aria-pressed", String(state === name));
}

export function line() {
  const canvas = $("#line");
  const width = canvas.clientWidth, height = canvas.clientHeight, ratio = devicePixelRatio || 1;
  if (!width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const most = Math.max(...bars.map(([all]) => all), 4);
  const step = width / bars.length;
  bars.forEach(([all, retries, refunds], n) => {
    let y = height;
    for (const [value, name] of [[refunds, "--refund"], [retries, "--retry"], [all - retries - refunds, "--accent"]]) {
      const tall = (value / most) * (height - 2);
      pen.fillStyle = colour(name);
      pen.globalAlpha = n === bars.length - 1 ? 0.55 : 0.9;
      if (tall > 0) pen.fillRect(n * step + 0.5, y - Math.max(tall, 1), Math.max(step - 1.5, 1), Math.max(tall, 1));
      y -= tall;
    }
  });
}
