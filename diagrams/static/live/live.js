// The page: one stream of events in, everything else redrawn from it.

import { $, $$ } from "./dom.js";
import { pulse, showNumbers } from "./graph.js";
import { closeJob, isOpen, openJob, stepBy, stepTo, touched } from "./job.js";
import { filterState, jobs, privateSearch } from "./jobs.js";
import { addMoves, moves, showEdges, soon } from "./moves.js";
import { line, numbers, showRates, stayWords } from "./numbers.js";
import { onState, remember, stage, toggleHeat, toggleRules, zoomBy } from "./stage.js";
import { keep, speak, theme, w } from "./words.js";

// --- theme ----------------------------------------------------------------------------------------

let chosen = theme;
function dress() {
  const media = { auto: "(prefers-color-scheme: dark)", dark: "all", light: "not all" }[chosen];
  for (const link of $$("link[data-theme]")) link.media = media;
  document.documentElement.dataset.chosen = chosen;
  requestAnimationFrame(line);
}
$("#theme").onclick = () => {
  const dark = $("link[data-theme]").media === "all" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  chosen = dark ? "light" : "dark";
  keep("theme", chosen);
  dress();
};

// --- tabs -----------------------------------------------------------------------------------------

const tabs = $$("[role=tab]");
function show(tab) {
  for (const one of tabs) {
    one.setAttribute("aria-selected", String(one === tab));
    one.tabIndex = one === tab ? 0 : -1;
    $(`#${one.getAttribute("aria-controls")}`).hidden = one !== tab;
  }
  soon();
}
for (const tab of tabs) {
  tab.onclick = () => show(tab);
  tab.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.stopPropagation();
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    show(next);
    next.focus();
  };
}

// --- the stream -----------------------------------------------------------------------------------

function light(on) {
  $("#link").className = `link ${on ? "on" : "off"}`;
  $("#link-word").textContent = on ? w.connected : w.reconnecting;
}

function take(data) {
  remember(data);
  showNumbers(data, stayWords);
  showRates(data);
  showEdges(data);
}

function listen() {
  const stream = new EventSource("events");
  const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
  stream.onopen = () => light(true);
  stream.onerror = () => { light(false); if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000); };
  on("rights", ({ private: may, act, token }) => { privateSearch(may); $("#logout").hidden = !(act && token); });
  on("source", ({ connected }) => { $("#lost").hidden = connected; });
  on("snapshot", (data) => { take(data); addMoves(data.latest); $("#lost").hidden = data.connected; });
  on("numbers", take);
  on("moves", (data) => { if (!document.hidden) pulse(data.edges); addMoves(data.moves); touched(data.moves); });
}

// --- keys and addresses ---------------------------------------------------------------------------

function fromHash() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.get("job")) openJob(given.get("job"), given.get("step"));
}

const KEYS = { h: toggleHeat, r: () => toggleRules(), "+": () => zoomBy(1.35), "=": () => zoomBy(1.35), "-": () => zoomBy(1 / 1.35), 0: () => zoomBy(0) };
const STEPS = { ArrowLeft: () => stepBy(-1), ArrowRight: () => stepBy(1), Home: () => stepTo(false), End: () => stepTo(true), Escape: closeJob };

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea")) { if (event.key === "Escape") event.target.blur(); return; }
  if (event.key === "/") { event.preventDefault(); show($("#tab-jobs")); $("#q").focus(); return; }
  const act = KEYS[event.key] || (isOpen() && STEPS[event.key]);
  if (act) { event.preventDefault(); act(); }
});

dress();
speak();
numbers(filterState);
stage();
onState(filterState);
const open = (job, step) => openJob(job, step);
jobs((job) => open(job));
moves(open);
$("#hint").textContent = w.keys;
addEventListener("hashchange", fromHash);
light(false);
listen();
fromHash();
