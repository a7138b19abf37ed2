// What lies over the painted graph: counts, pulses, heat, one job's path. The picture itself is the server's.

import { $, $$, calm, s, short } from "./dom.js";

const svg = $("#canvas svg");
const PARTICLES = 60;
const EDGE_KINDS = ["flow", "retry", "refund", "failure", "done"];

/** One arrow of the picture: its line, its label, the edges it stands for. */
const arrows = $$(".arrow", svg).map((group) => {
  const line = $(".line", group);
  const label = $$(".label", svg).find((one) => one.dataset.edges === group.dataset.edges && one.dataset.from === group.dataset.from && one.dataset.to === group.dataset.to);
  return {
    from: group.dataset.from, to: group.dataset.to, edges: group.dataset.edges.split(" "), group, line, label,
    kind: EDGE_KINDS.find((kind) => group.classList.contains(`k-${kind}`)), length: line.getTotalLength(), heat: 0, pending: 0,
  };
});
const byEdge = new Map(arrows.flatMap((arrow) => arrow.edges.map((edge) => [edge, arrow])));
const states = new Map($$("[data-state]", svg).map((group) => [group.dataset.state, { group, box: $(".box", group) }]));
const start = $(".start", svg);

export { arrows, states, svg };
export const arrowOf = (edge) => byEdge.get(edge);

// --- put up once ----------------------------------------------------------------------------------

const beads = s("g", { class: "beads" });
const dots = s("g", { class: "dots" });
const grown = (group, wide, high) => { const b = group.getBBox(); return [b.x - wide, b.y - high, b.x + b.width + wide, b.y + b.height + high]; };
const placed = [...states.values()].map(({ box }) => grown(box, 20, 14));
const words = arrows.map(({ label }) => grown($(".plate", label), 24, 12));
const fractions = Array.from({ length: 23 }, (_, n) => 0.06 + n * 0.04).sort((a, b) => Math.abs(a - 0.5) - Math.abs(b - 0.5));

const free = ({ x, y }, boxes) => !boxes.some(([a, b, c, d]) => x > a && x < c && y > b && y < d);

/** Where an arrow's number stands: on its line, beside no words and no other number if there is such a place. */
function beadPlace(arrow) {
  if (arrow.from === arrow.to) { const b = arrow.line.getBBox(); return { x: b.x - 12, y: b.y + b.height + 14 }; }
  const points = fractions.map((part) => arrow.line.getPointAtLength(arrow.length * part));
  const point = points.find((one) => free(one, placed) && free(one, words)) || points.find((one) => free(one, placed)) || points[0];
  placed.push([point.x - 46, point.y - 24, point.x + 46, point.y + 24]);
  return point;
}

export function prepare() {
  const boxes = [...arrows.flatMap((arrow) => [arrow.group, arrow.label]), ...[...states.values()].map(({ group }) => group), start].map((group) => group.getBBox());
  const x = Math.min(...boxes.map((b) => b.x)) - 16, y = Math.min(...boxes.map((b) => b.y)) - 10;
  const right = Math.max(...boxes.map((b) => b.x + b.width)) + 24, bottom = Math.max(...boxes.map((b) => b.y + b.height)) + 14;
  svg.setAttribute("viewBox", `${x} ${y} ${right - x} ${bottom - y}`);
  for (const arrow of arrows) {
    arrow.glow = s("path", { class: "glow", d: arrow.line.getAttribute("d") });
    arrow.group.prepend(arrow.glow, s("path", { class: "hit", d: arrow.line.getAttribute("d") }));
    const { x: px, y: py } = beadPlace(arrow);
    arrow.bead = pill(`bead k-${arrow.kind}`, px, py);
    arrow.bead.group.dataset.edges = arrow.edges.join(" ");
    beads.append(arrow.bead.group);
  }
  for (const [name, state] of states) {
    const b = state.box.getBBox();
    state.halo = s("rect", { class: "halo", x: b.x - 3, y: b.y - 3, width: b.width + 6, height: b.height + 6, rx: 12 });
    state.group.prepend(state.halo);
    state.count = pill(`count s-${name}`, b.x + b.width - 8, b.y, true);
    state.note = s("text", { class: "stay", x: b.x + b.width / 2, y: b.y + b.height + 15 });
    state.group.append(state.count.group, state.note);
    state.group.setAttribute("tabindex", "0");
    state.group.setAttribute("role", "button");
    svg.append(state.group);
  }
  svg.insertBefore(beads, svg.querySelector("[data-state]"));
  svg.insertBefore(dots, beads);
  return { width: right - x, height: bottom - y };
}

function pill(name, x, y, rightwards = false) {
  const rect = s("rect", { rx: 9, height: 18, y: -9 });
  const text = s("text", { y: 0 });
  const group = s("g", { class: name, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` }, rect, text);
  return { group, rect, text, said: null, rightwards };
}

let far = 1;
/** Far away, signs are drawn larger, so that they can still be read. */
export function setScale(scale) {
  far = Math.min(1.9, Math.max(1, 0.92 / scale));
  svg.classList.toggle("far", scale < 0.8);
  svg.style.setProperty("--far", far.toFixed(3));
  for (const one of [...arrows.map((arrow) => arrow.bead), ...[...states.values()].map((state) => state.count)]) {
    const said = one.said;
    one.said = null;
    say(one, said || "");
  }
}

function say(one, text) {
  if (one.said === text) return;
  one.said = text;
  one.text.textContent = text;
  const width = (text.length * 7.2 + 11) * far, height = 17 * far;
  for (const [name, value] of [["width", width], ["x", one.rightwards ? 0 : -width / 2], ["height", height], ["y", -height / 2], ["rx", height / 2]]) one.rect.setAttribute(name, value.toFixed(1));
  one.text.setAttribute("x", one.rightwards ? (width / 2).toFixed(1) : 0);
  one.group.classList.toggle("none", !text);
}

// --- numbers --------------------------------------------------------------------------------------

let numbers = { counts: {}, stays: {}, recent: {} };
let tracing = false;
let hot = false;

/** Fresh counts. */
export function showNumbers(given, stay) {
  numbers = given;
  for (const [name, state] of states) {
    const count = given.counts[`st:${name}`] || 0;
    say(state.count, count ? short(count) : "");
    const stays = given.stays[name];
    state.note.textContent = stays ? stay(stays) : "";
  }
  if (!tracing) for (const arrow of arrows) say(arrow.bead, total(arrow) ? short(total(arrow)) : "");
  if (hot) warm();
}

export const total = (arrow) => arrow.edges.reduce((sum, edge) => sum + (numbers.counts[`e:${edge}`] || 0), 0);
export const recent = (arrow) => arrow.edges.reduce((sum, edge) => sum + (numbers.recent[edge] || 0), 0);

/** Widths by traffic. */
export function setHeat(on) {
  hot = on;
  svg.classList.toggle("heat", on);
  if (on) return warm();
  for (const arrow of arrows) { arrow.line.style.strokeWidth = ""; arrow.group.classList.remove("never"); arrow.label.classList.remove("never"); }
}

function warm() {
  const most = Math.log1p(Math.max(...arrows.map(total), 10));
  for (const arrow of arrows) {
    const n = total(arrow);
    arrow.line.style.strokeWidth = n ? `${(1.5 + 9 * (Math.log1p(n) / most) ** 2).toFixed(1)}px` : "";
    arrow.group.classList.toggle("never", !n);
    arrow.label.classList.toggle("never", !n);
  }
}

// --- pulses ---------------------------------------------------------------------------------------

const running = [];
const pool = [];
let beating = false;

/** Jobs moved: `edges` says how often each edge fired. While one job is looked at, others keep still. */
export function pulse(edges, ours = false) {
  if (tracing && !ours) return;
  for (const [edge, n] of Object.entries(edges)) {
    if (edge === "submit") { hit("queued"); continue; }
    const arrow = byEdge.get(edge);
    if (!arrow) continue;
    arrow.heat = Math.min(1, arrow.heat + 0.35 + 0.1 * Math.log2(n));
    hit(arrow.to);
    if (!calm.matches) for (let i = 0; i < Math.min(n, 3); i += 1) send(arrow, i * 90);
  }
  if (!beating) { beating = true; requestAnimationFrame(beat); }
}

function hit(name) {
  const state = states.get(name);
  if (state) state.heat = 1;
}

function send(arrow, delay) {
  if (running.length >= PARTICLES) return;
  const dot = pool.pop() || s("circle", { r: 5 });
  dot.setAttribute("class", `dot k-${arrow.kind}`);
  dots.append(dot);
  running.push({ dot, arrow, begun: performance.now() + delay + Math.random() * 60, ms: 420 + Math.min(arrow.length, 900) * 0.55 });
}

let before = 0;
function beat(now) {
  const fade = Math.min(now - before, 50) / 900;
  before = now;
  let alive = false;
  for (const arrow of arrows) {
    if (arrow.heat <= 0) continue;
    arrow.heat = Math.max(0, arrow.heat - fade);
    arrow.glow.style.opacity = (arrow.heat * 0.55).toFixed(2);
    alive = true;
  }
  for (const state of states.values()) {
    if (!state.heat) continue;
    state.heat = Math.max(0, state.heat - fade * 1.6);
    state.halo.style.opacity = (state.heat * 0.9).toFixed(2);
    alive = true;
  }
  for (let i = running.length - 1; i >= 0; i -= 1) {
    const one = running[i];
    const part = (now - one.begun) / one.ms;
    if (part >= 1) { one.dot.remove(); pool.push(one.dot); running.splice(i, 1); continue; }
    const eased = part <= 0 ? 0 : part < 0.5 ? 2 * part * part : 1 - 2 * (1 - part) ** 2;
    const point = one.arrow.line.getPointAtLength(one.arrow.length * eased);
    one.dot.setAttribute("transform", `translate(${point.x.toFixed(1)} ${point.y.toFixed(1)})`);
    one.dot.style.opacity = part <= 0 ? 0 : Math.min(1, 6 * (1 - part));
  }
  beating = alive || running.length > 0;
  if (beating) requestAnimationFrame(beat);
}

// --- one job's path -------------------------------------------------------------------------------

/** Number a job's steps on the picture; `at` is the step we look at. `null` shows everybody again. */
export function trace(steps, at) {
  tracing = Boolean(steps);
  svg.classList.toggle("traced", tracing);
  const passed = steps ? steps.slice(0, at + 1) : [];
  const current = steps?.[at];
  for (const [name, state] of states) {
    state.group.classList.toggle("current", Boolean(current) && current.to === name);
    state.group.classList.toggle("off", tracing && !steps.some((step) => step.to === name));
  }
  for (const arrow of arrows) {
    const on = steps ? steps.filter((step) => arrow.edges.includes(step.edge)) : [];
    const done = on.some((step) => passed.includes(step));
    const now = Boolean(current) && on.includes(current);
    for (const group of [arrow.group, arrow.label]) {
      group.classList.toggle("faded", tracing && !on.length);
      group.classList.toggle("later", tracing && on.length > 0 && !done);
      group.classList.toggle("now", now);
    }
    arrow.bead.group.classList.toggle("now", now);
    arrow.bead.group.classList.toggle("later", tracing && !done);
    const seqs = on.map((step) => step.n);
    say(arrow.bead, tracing ? (seqs.length > 4 ? [...seqs.slice(0, 2), "…", seqs.at(-1)] : seqs).join(",") : total(arrow) ? short(total(arrow)) : "");
    for (const rule of $$(".rule", arrow.label)) {
      const ids = rule.dataset.edges.split(" ");
      rule.classList.toggle("faded", tracing && !on.some((step) => ids.includes(step.edge)));
    }
  }
  if (current?.edge) pulse({ [current.edge]: 1 }, true);
}
