// Beside the chat: the job's state, its transitions, credits, scenarios and counters.

import { $, h, toast } from "./dom.js";
import { drawing, light } from "./diagram.js";
import { language, w } from "./words.js";

let events = [];
let job = "";
let cards = [];
let scenario = { armed: "", running: "" };
let live = "";

/** The scenario in which nothing goes wrong: what a second tap arms. */
const CALM = "ok";

const mine = () => events.filter((event) => event.job === job);

/** Draw the whole panel from a snapshot. */
export async function showPanel(state) {
  events = state.jobs;
  job = events.at(-1)?.job || "";
  cards = state.scenarios;
  scenario = { armed: state.armed, running: state.running };
  live = state.live;
  await diagram(state.diagram);
  onCounters(state.counters);
  onScenario(scenario);
  redraw(false);
}

async function diagram(given) {
  const figure = $("#diagram");
  if (!given) return figure.replaceChildren(drawing(w.states));
  const answer = await fetch("/sandbox/diagram.svg");
  const parsed = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
  return figure.replaceChildren(document.importNode(parsed.documentElement, true));
}

/** One transition arrived. */
export function onJob(event) {
  if (events.some((known) => known.job === event.job && known.seq === event.seq)) return;
  events.push(event);
  job = event.job;
  redraw(true);
}

function redraw(fresh) {
  const path = mine();
  $("#no-job").hidden = path.length > 0;
  $("#job-id").textContent = job ? `#${String(job).slice(0, 8)}` : "";
  $("#live").hidden = !live;
  $("#live").href = job ? `${live}#job=${encodeURIComponent(job)}` : live;
  light($("#diagram"), path);
  const list = $("#timeline");
  list.replaceChildren(...path.map((event, index) => row(event, path[0].ms, fresh && index === path.length - 1)));
  list.scrollTop = list.scrollHeight;
  const last = path.findLast((event) => event.balance !== undefined && event.balance !== null);
  $("#credits").hidden = !last;
  if (!last) return;
  $("#free").textContent = `${last.balance} ${w.free}`;
  $("#held").textContent = `${last.held} ${w.held}`;
  $("#held").classList.toggle("zero", !last.held);
}

function row(event, begin, fresh) {
  const seconds = Math.max(0, event.ms - begin) / 1000;
  const since = seconds < 100 ? `+${seconds.toFixed(1)}` : `+${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  return h(
    `li${fresh ? ".fresh" : ""}`, { "data-to": event.to, title: event.edge || `${event.from || ""} → ${event.to}` },
    h("time", {}, since),
    h("span.move", {}, h("b", {}, event.to)),
    h("span.why", {}, h("code", {}, event.trigger), event.reason ? h("code.reason", {}, event.reason) : null),
  );
}

/** Which scenario is armed, which one runs. */
export function onScenario(event) {
  scenario = { armed: event.armed, running: event.running };
  $("#scenario-card").hidden = cards.length === 0;
  $("#scenarios").replaceChildren(...cards.map((card) => {
    const title = language === "ru" ? card.title_ru : card.title_en;
    const badge = card.name === scenario.armed ? w.armed : card.name === scenario.running ? w.running : "";
    const button = h("button", { type: "button", title: card.about || "" }, h("span", {}, title), h("code", {}, card.name), badge ? h("em", {}, badge) : null);
    button.classList.toggle("armed", card.name === scenario.armed);
    button.classList.toggle("running", card.name === scenario.running);
    button.setAttribute("aria-pressed", String(card.name === scenario.armed));
    button.onclick = () => choose(card.name === scenario.armed && cards.some(({ name }) => name === CALM) ? CALM : card.name);
    return button;
  }));
}

async function choose(name) {
  const answer = await fetch("/sandbox/scenario", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name }) });
  if (!answer.ok) toast(await answer.text());
}

/** Numbers: the provider's creates first, then the chat's own. */
export function onCounters(numbers) {
  $("#counters").style.setProperty("--columns", Object.keys(numbers).length % 3 ? "4" : "3");
  $("#counters").replaceChildren(...Object.entries(numbers).map(([name, value]) => h("div", {}, h("dd", {}, String(value)), h("dt", {}, w[name] || name.replaceAll("_", " ")))));
}
