// The picture's frame: how large it is drawn, dragging, and what the pointer rests on.

import { $, $$, h, short } from "./dom.js";
import { arrows, prepare, recent, setHeat, setScale, states, svg, total } from "./graph.js";
import { meaning, w } from "./words.js";

const canvas = $("#canvas");
const size = prepare();
let zoom = 1;
let legible = false;
let feed = { counts: {}, stays: {}, recent: {} };

const fitted = () => {
  const { clientWidth: width, clientHeight: height } = canvas;
  const whole = Math.min((width - 8) / size.width, (height - 8) / size.height);
  return legible || matchMedia("(max-width: 900px)").matches ? Math.min(1.15, (width - 8) / size.width) : whole;
};

function draw() {
  const scale = Math.max(0.2, fitted() * zoom);
  svg.style.width = `${Math.round(size.width * scale)}px`;
  svg.style.height = `${Math.round(size.height * scale)}px`;
  svg.classList.toggle("legible", legible || scale > 0.86);
  setScale(scale);
}

function zoomTo(next, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
  const old = zoom;
  zoom = Math.min(6, Math.max(1, next));
  const left = (canvas.scrollLeft + x) * (zoom / old) - x, top = (canvas.scrollTop + y) * (zoom / old) - y;
  draw();
  canvas.scrollTo(left, top);
}

export function stage() {
  new ResizeObserver(draw).observe(canvas);
  $("#zoom-in").onclick = () => zoomTo(zoom * 1.35);
  $("#zoom-out").onclick = () => zoomTo(zoom / 1.35);
  $("#fit").onclick = () => { toggleRules(false); zoomTo(1); };
  $("#rules").onclick = () => toggleRules();
  $("#heat").onclick = () => toggleHeat();
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const frame = canvas.getBoundingClientRect();
    zoomTo(zoom * (event.deltaY < 0 ? 1.15 : 1 / 1.15), event.clientX - frame.left, event.clientY - frame.top);
  }, { passive: false });
  drag();
  tips();
  draw();
}

export function toggleRules(on = !legible) {
  legible = on;
  zoom = 1;
  $("#rules").setAttribute("aria-pressed", String(on));
  draw();
}

export function toggleHeat() {
  const on = $("#heat").getAttribute("aria-pressed") !== "true";
  $("#heat").setAttribute("aria-pressed", String(on));
  setHeat(on);
}

export const zoomBy = (factor) => (factor ? zoomTo(zoom * factor) : $("#fit").click());

function drag() {
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) from = [event.clientX + canvas.scrollLeft, event.clientY + canvas.scrollTop];
  });
  addEventListener("pointermove", (event) => { if (from) canvas.scrollTo(from[0] - event.clientX, from[1] - event.clientY); });
  addEventListener("pointerup", () => { from = null; });
}

// --- tooltips -------------------------------------------------------------------------------------

export const remember = (numbers) => { feed = numbers; };

function tips() {
  const tip = h("div", { class: "tip-box", id: "tip", role: "tooltip", hidden: "" });
  document.body.append(tip);
  const show = (target, x, y) => {
    const content = target && about(target);
    tip.hidden = !content;
    if (!content) return;
    tip.replaceChildren(...content);
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x + 16, innerWidth - width - 10))}px`;
    tip.style.top = `${Math.max(8, y + 18 + height > innerHeight ? y - height - 12 : y + 18)}px`;
  };
  const what = (element) => element.closest?.("[data-state], .arrow, .label, .bead");
  svg.addEventListener("pointermove", (event) => show(what(event.target), event.clientX, event.clientY));
  svg.addEventListener("pointerleave", () => show(null));
  svg.addEventListener("focusin", (event) => { const box = event.target.getBoundingClientRect(); if (event.target.matches?.(":focus-visible")) show(what(event.target), box.right, box.bottom); });
  svg.addEventListener("focusout", () => show(null));
}

function about(target) {
  if (target.dataset.state) return aboutState(target.dataset.state);
  const arrow = arrows.find((one) => [one.group, one.label, one.bead.group].includes(target));
  return arrow ? aboutArrow(arrow) : null;
}

function aboutState(name) {
  const stays = feed.stays[name];
  const ended = ["done", "refunded", "failed"].includes(name);
  return [
    h("b", {}, name), h("p", {}, meaning("states", name)),
    h("dl", {}, h("dt", {}, ended ? w.everHere : w.nowHere), h("dd", {}, short(feed.counts[`st:${name}`] || 0)),
      ...(stays ? [h("dt", {}, w.left), h("dd", {}, short(stays.n))] : [])),
  ];
}

function aboutArrow(arrow) {
  const rows = arrow.edges.map((edge) => [edge, feed.counts[`e:${edge}`] || 0, feed.recent[edge] || 0]).filter(([, n]) => n).sort((a, b) => b[1] - a[1]);
  const rules = $$(".rule", arrow.label).map((rule) => h("p.rule", {}, $$("text", rule).map((line) => line.textContent).join(" ")));
  return [
    h(`b.k-${arrow.kind}`, {}, `${arrow.from} → ${arrow.to}`),
    h("dl", {}, h("dt", {}, w.takenEver), h("dd", {}, short(total(arrow))), h("dt", {}, w.takenRecent), h("dd", {}, short(recent(arrow)))),
    ...rows.slice(0, 7).map(([edge, n]) => h("p.edge", {}, h("span", {}, edge), h("i", {}, short(n)))),
    ...(rows.length ? [] : rules.slice(0, 6)),
  ];
}

/** Choosing a state in the picture. */
export function onState(chosen) {
  for (const [name, { group }] of states) {
    group.setAttribute("aria-label", w.only(name));
    group.addEventListener("click", () => chosen(name));
    group.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); chosen(name); } });
  }
}
