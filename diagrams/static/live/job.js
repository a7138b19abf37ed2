// One job: what it is now, how it came there, step by step, on the picture and beside it.

import { $, clock, h, icon, span } from "./dom.js";
import { trace } from "./graph.js";
import { choose } from "./jobs.js";
import { meaning, w } from "./words.js";

const panel = $("#job");
let id = "", data = null, steps = [], at = 0, pinned = false, again;

/** Open a job at a step (its seq; left out: the latest). */
export async function openJob(job, step) {
  const other = job !== id;
  id = job;
  pinned = step !== undefined && step !== null;
  if (other) { data = null; at = 0; }
  choose(job);
  document.body.classList.add("with-job");
  await load();
  if (pinned) go(steps.findIndex((one) => one.n === Number(step)), true);
}

export function closeJob() {
  if (!id) return;
  id = "";
  data = null;
  clearTimeout(again);
  panel.hidden = true;
  document.body.classList.remove("with-job");
  choose("");
  trace(null);
  $("#caption").hidden = true;
  history.replaceState(null, "", location.pathname);
}

/** Moves arrived: read the job again when it is one of its own. */
export function touched(moves) {
  if (id && moves.some((move) => move[0] === id)) load();
}

export const isOpen = () => Boolean(id);

async function load() {
  const mine = id;
  clearTimeout(again);
  const answer = await fetch(`jobs/${encodeURIComponent(mine)}`).catch(() => null);
  if (mine !== id) return;
  if (answer?.status === 404) { panel.hidden = false; panel.replaceChildren(closer(), h("p.empty", {}, w.gone)); trace(null); $("#caption").hidden = true; return; }
  if (!answer?.ok) { again = setTimeout(load, 2000); return; }
  const fresh = await answer.json();
  const same = data && data.history.length === fresh.history.length && data.job.state === fresh.job.state;
  data = fresh;
  steps = data.history.filter((record) => record.disp === "transition" || record.disp === undefined).map((record) => ({ n: record.seq, edge: record.edge || "", from: record.from || "", to: record.to, record }));
  if (!pinned) at = Math.max(0, steps.length - 1);
  if (!same) { draw(); lay(); }
  if (!["done", "refunded", "failed"].includes(data.job.state)) again = setTimeout(load, 3000);
}

/** Step to an index. */
export function go(next, quiet = false) {
  if (!steps.length) return;
  at = Math.min(steps.length - 1, Math.max(0, next));
  pinned = quiet || at < steps.length - 1;
  draw();
  lay();
}
export const stepBy = (n) => go(at + n);
export const stepTo = (end) => go(end ? steps.length - 1 : 0);

function lay() {
  trace(steps, at);
  const step = steps[at];
  if (!step) return;
  history.replaceState(null, "", `#job=${encodeURIComponent(id)}&step=${step.n}`);
  const caption = $("#caption");
  caption.hidden = false;
  caption.replaceChildren(...controls(), h("span", {}, h("b", {}, w.step(step.n, steps.at(-1).n)), " ", step.edge || w.submit), h("i", {}, passed(at)));
}

const passed = (n) => (n ? `+${span(steps[n].record.ts - steps[n - 1].record.ts)}` : clock(steps[n].record.ts));

function controls() {
  const button = (name, tip, act, off) => h("button", { type: "button", title: tip, "aria-label": tip, onclick: act, disabled: off }, icon(name));
  return [h("span.steps", {}, button("first", w.first, () => stepTo(false), at === 0), button("back", w.back, () => stepBy(-1), at === 0), button("forward", w.forward, () => stepBy(1), at === steps.length - 1), button("last", w.last, () => stepTo(true), at === steps.length - 1))];
}

const closer = () => h("button.round.close", { type: "button", title: w.close, "aria-label": w.close, onclick: closeJob }, "×");

function draw() {
  const focused = panel.contains(document.activeElement) ? document.activeElement.title : "";
  const { job } = data;
  const scrolled = $(".body", panel)?.scrollTop || 0;
  panel.hidden = false;
  panel.replaceChildren(
    h("header", {}, h("code", { title: job.id }, job.id), copier(job.id), h(`span.chip.s-${job.state}`, { title: meaning("states", job.state) }, job.state), h("span.grow"), ...cancel(job), closer()),
    h("div.body", {}, h("div.track", {}, ...controls(), track()), detail(steps[at]), historyTable(), facts(job), tasks(job.tasks)));
  $(".body", panel).scrollTop = scrolled;
  if (focused) [...panel.querySelectorAll("button")].find((one) => one.title === focused && !one.disabled)?.focus({ preventScroll: true });
  const row = $("tr.at", panel), body = $(".body", panel);
  if (row && (row.offsetTop < body.scrollTop || row.offsetTop + row.offsetHeight > body.scrollTop + body.clientHeight)) body.scrollTop = row.offsetTop - body.clientHeight / 2;
}

function copier(text) {
  return h("button.copy", { type: "button", title: w.copy, "aria-label": w.copy, onclick: ({ currentTarget: button }) => navigator.clipboard?.writeText(text).then(() => button.replaceChildren("✓")) }, icon("copy"));
}

function track() {
  return h("ol.dots", {}, steps.map((step, n) => h(`li.t-${step.to}${n === at ? ".at" : ""}${n > at ? ".later" : ""}`, {}, h("button", { type: "button", title: `${step.n}. ${step.edge || w.submit}`, "aria-current": n === at ? "step" : null, onclick: () => go(n) }))));
}

// --- the step -------------------------------------------------------------------------------------

const TIMES = new Set(["now_ms", "deadline_ms"]);

function detail(step) {
  if (!step) return null;
  const { record } = step;
  const inputs = Object.entries(record.in || {}).map(([name, value]) => [name, shown(name, value)]);
  return h(`section.detail.t-${step.to}`, {},
    h("h3", {}, h("span.n", {}, String(step.n)), h("code", {}, step.edge || w.submit), h("small", {}, `${clock(record.ts)} · ${w.by} ${record.by || "?"}`)),
    meaning("triggers", record.event) ? h("p.meaning", {}, `${meaning("triggers", record.event)}${record.in?.reason ? `: ${meaning("reasons", record.in.reason) || record.in.reason}` : ""}`) : null,
    h("div.effects", {}, (record.out || []).map(effect)),
    h("dl.inputs", { "aria-label": w.inputs }, inputs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

function shown(name, value) {
  if (TIMES.has(name) && typeof value === "number") return clock(value);
  if (name.endsWith("_ms") && typeof value === "number") return span(value);
  if (name === "rnd" && typeof value === "number") return value.toFixed(4);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const SIGNS = { hold: "◔", capture: "●", release: "↶", retry: "↻", notify: "✉", notice: "✉", alert: "⚑" };

function effect(text) {
  const short = String(text).replace(new RegExp(`:?${id}:\\d+(:\\w+)?$`), "");
  const kind = short.split(":")[0];
  return h(`span.effect.e-${kind in SIGNS ? kind : "other"}`, { title: String(text) }, `${SIGNS[kind] ? `${SIGNS[kind]} ` : ""}${short.replaceAll(":", " ")}`);
}

function historyTable() {
  const rows = steps.map((step, n) => {
    const { record } = step, why = record.in || {};
    return h(`tr.t-${step.to}${n === at ? ".at" : ""}${n > at ? ".later" : ""}`, { onclick: () => go(n) },
      h("td.n", {}, String(step.n)), h("td.t", { title: clock(record.ts) }, passed(n)), h("td", {}, h("b", {}, record.event), why.reason ? h("em", { title: meaning("reasons", why.reason) }, ` ${why.reason}`) : null, why.rule ? h("div.rule", { title: w.rule }, why.rule) : null),
      h("td", {}, h("span.chip", {}, step.to)), h("td.out", {}, h("div", {}, (record.out || []).map(effect))));
  });
  return h("table.history", { "aria-label": w.history }, h("tbody", {}, rows));
}

// --- the snapshot ---------------------------------------------------------------------------------

function facts(job) {
  const ended = ["done", "refunded", "failed"].includes(job.state);
  const { video } = job;
  const list = [
    [w.model, [job.model, job.template, job.aspect, `${job.seconds} ${w.units[1]}`].filter(Boolean).join(" · ")],
    [w.credits, `${job.cost} · ${job.hold}`],
    [w.made, `${clock(job.created)} (${span(Math.max(0, data.now - job.created))})`],
    [w.deadline, ended ? "" : `${clock(job.deadline)} (${w.in} ${span(Math.max(0, job.deadline - data.now))})`],
    [w.nextTry, job.state === "retry_wait" ? `${clock(job.retry_at)} → ${job.stage}` : ""],
    [w.trouble, job.reason],
    [w.failures, Object.entries(job.failures).map(([name, n]) => `${name} ${n}`).join(", ")],
    [w.refused, job.refused.join(", ")],
    [w.deliveries, job.deliveries || ""],
    [w.told, job.told.join(", ")],
    [w.again, job.source_job],
    [w.video, video ? `${video.width}×${video.height}, ${video.seconds.toFixed(1)} ${w.units[1]}, ${(video.size / 1e6).toFixed(1)} MB` : ""],
    [w.counters, `${job.seq} · ${job.epoch}`],
    ...(data.private ? [[w.user, String(data.private.user)], [w.wishes, data.private.wishes]] : []),
  ].filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return h("section.facts", {}, h("dl", {}, list.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))])), data.private ? null : h("p.hidden-text", {}, w.hidden));
}

function tasks(list) {
  if (!list.length) return null;
  return h("section.tasks", {}, h("h4", {}, w.tasks), h("table", {}, h("tbody", {}, list.map((task) => h("tr", {}, h("td", {}, `#${task.n}`), h("td", {}, task.model), h("td", {}, task.key), h("td", {}, h("b", {}, task.status)), h("td", {}, clock(task.created)), h("td", {}, task.cost === null ? "" : `${task.cost} cr`))))));
}

function cancel(job) {
  if (!data.act || !["queued", "retry_wait"].includes(job.state)) return [];
  const act = async () => {
    if (!confirm(w.sure)) return;
    const answer = await fetch(`jobs/${encodeURIComponent(job.id)}/cancel`, { method: "POST" });
    const said = answer.ok ? w.results[(await answer.json()).result] : await answer.text();
    $("#hint").textContent = said;
    pinned = false;
    load();
  };
  return [h("button.danger", { type: "button", onclick: act }, w.cancel)];
}
