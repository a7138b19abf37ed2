// The list of live jobs by due time. Only the rows in sight exist; pages come from the server.

import { $, brief, h, span } from "./dom.js";
import { markTile } from "./numbers.js";
import { meaning, w } from "./words.js";

const ROW = 36, PAGE = 100, EVERY_MS = 2000;
const STATES = ["queued", "generating", "retry_wait", "sending"];
const rows = $("#rows"), tall = $("#tall");
const pages = new Map();
let total = 0, live = 0, now = 0, active = 0, chosen = "", open = () => {}, asked = 0, busy = false, loaded = false;
const filter = { state: "", reason: "", q: "" };

export function jobs(onOpen) {
  open = onOpen;
  options($("#state"), w.anyState, STATES.map((name) => [name, name]));
  options($("#reason"), w.anyReason, []);
  $("#q").placeholder = w.search;
  $("#q").setAttribute("aria-label", w.search);
  let typing;
  $("#q").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => setFilter({ q: $("#q").value.trim() }), 180); });
  $("#filters").addEventListener("submit", (event) => { event.preventDefault(); if (pages.get(0)?.[0]) open(pages.get(0)[0][0]); });
  $("#state").addEventListener("change", () => setFilter({ state: $("#state").value }));
  $("#reason").addEventListener("change", () => setFilter({ reason: $("#reason").value }));
  rows.addEventListener("scroll", () => { draw(); want(); });
  rows.addEventListener("keydown", keys);
  rows.addEventListener("click", (event) => { const row = event.target.closest(".row"); if (row) { active = Number(row.dataset.n); open(row.dataset.job); } });
  new ResizeObserver(() => { draw(); want(); }).observe(rows);
  setInterval(() => { if (!document.hidden) refresh(); }, EVERY_MS);
  refresh();
}

export function privateSearch(may) {
  $("#q").placeholder = may ? w.searchUser : w.search;
}

function options(select, any, list) {
  const value = select.value;
  select.replaceChildren(h("option", { value: "" }, any), ...list.map(([name, text]) => h("option", { value: name, title: meaning("reasons", name) }, text)));
  select.value = list.some(([name]) => name === value) ? value : "";
}

/** Look for other jobs. */
export function setFilter(change) {
  Object.assign(filter, change);
  $("#state").value = filter.state;
  markTile(filter.state);
  pages.clear();
  rows.scrollTop = 0;
  active = 0;
  refresh();
}

export const filterState = (name) => setFilter({ state: filter.state === name || !STATES.includes(name) ? "" : name });
export const choose = (job) => { chosen = job; draw(); };

const inSight = () => [Math.floor(rows.scrollTop / ROW), Math.ceil((rows.scrollTop + rows.clientHeight) / ROW)];

function wanted() {
  const [first, last] = inSight();
  const from = Math.floor(first / PAGE), to = Math.max(from, Math.floor(Math.min(last, Math.max(total - 1, 0)) / PAGE));
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

function want() {
  if (wanted().some((page) => !pages.has(page))) refresh();
}

async function refresh() {
  if (busy) { asked += 1; return; }
  busy = true;
  const mine = { ...filter };
  try {
    for (const page of wanted()) await load(page, mine);
    const keep = new Set(wanted());
    for (const page of pages.keys()) if (!keep.has(page)) pages.delete(page);
    loaded = true;
  } catch { /* the connection's light says so; asked again in two seconds */ }
  busy = false;
  draw();
  if (asked || mine.q !== filter.q || mine.state !== filter.state || mine.reason !== filter.reason) { asked = 0; refresh(); }
}

async function load(page, { state, reason, q }) {
  const query = new URLSearchParams({ offset: page * PAGE, limit: PAGE, state, reason, q });
  const answer = await fetch(`jobs?${query}`);
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  const got = await answer.json();
  ({ total, live, now } = got);
  pages.set(page, got.rows);
  if (document.activeElement !== $("#reason")) options($("#reason"), w.anyReason, Object.entries(got.reasons).map(([name, n]) => [name, `${name} (${n})`]));
}

function draw() {
  tall.style.height = `${total * ROW}px`;
  $("#live-count").textContent = live.toLocaleString();
  $("#no-jobs").hidden = total > 0 || !loaded;
  $("#no-jobs").textContent = live ? w.noneFit : w.noJobs;
  const [first, last] = inSight();
  const shown = [];
  for (let n = Math.max(0, first - 4); n < Math.min(total, last + 4); n += 1) {
    const row = pages.get(Math.floor(n / PAGE))?.[n % PAGE];
    shown.push(row ? line(row, n) : h("div.row.blank", { "data-n": n }));
  }
  for (const one of shown) one.style.transform = `translateY(${Number(one.dataset.n) * ROW}px)`;
  tall.replaceChildren(...shown);
}

function line([job, due, state, user, worker, reason, aside], n) {
  const why = [h("em", { title: meaning("reasons", reason) }, aside ? `${w.aside}: ${aside}` : reason)];
  if (worker) why.push(h("span.worker", { title: `${w.lease} ${worker}` }, worker));
  if (user !== null) why.push(h("span.user", {}, String(user)));
  return h(`div.row.s-${state}${job === chosen ? ".chosen" : ""}${n === active ? ".active" : ""}`, { role: "option", id: `row-${n}`, "data-n": n, "data-job": job, "aria-selected": String(job === chosen) },
    h(`span.due${due < now ? ".over" : ""}`, {}, dueWords(due)), h("code", { title: job }, brief(job)), h("span.chip", {}, state), h("span.why", {}, ...why));
}

function dueWords(due) {
  const left = due - now;
  if (Math.abs(left) < 500) return w.now;
  return left > 0 ? `${w.in} ${span(left)}` : `${span(-left)} ${w.overdue}`;
}

function keys(event) {
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
  if (step) {
    event.preventDefault();
    active = Math.max(0, Math.min(total - 1, active + step));
    const top = active * ROW;
    if (top < rows.scrollTop) rows.scrollTop = top;
    if (top + ROW > rows.scrollTop + rows.clientHeight) rows.scrollTop = top + ROW - rows.clientHeight;
    rows.setAttribute("aria-activedescendant", `row-${active}`);
    draw();
  } else if (event.key === "Enter") {
    const row = pages.get(Math.floor(active / PAGE))?.[active % PAGE];
    if (row) open(row[0]);
  }
}
