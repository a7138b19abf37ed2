// The latest moves as they come, and how often each edge was taken.

import { $, brief, clock, h, short } from "./dom.js";
import { arrowOf } from "./graph.js";
import { meaning } from "./words.js";

const KEPT = 60;
let latest = [], due = false, open = () => {}, numbers = null;

export function moves(onOpen) {
  open = onOpen;
  $("#ticker").addEventListener("click", (event) => { const row = event.target.closest("[data-job]"); if (row) open(row.dataset.job, row.dataset.seq); });
}

export function addMoves(list) {
  latest = [...list].reverse().concat(latest).slice(0, KEPT);
  soon();
}

export function showEdges(given) {
  numbers = given;
  soon();
}

/** Four times a second is as fast as anybody reads. */
export function soon() {
  if (due) return;
  due = true;
  setTimeout(() => { due = false; if (!$("#moves").hidden) ticker(); if (!$("#edges").hidden) edges(); }, 250);
}

function ticker() {
  $("#ticker").replaceChildren(...latest.map(([job, seq, ms, from, to, edge, reason]) => h(`li.t-${to}`, { "data-job": job, "data-seq": seq }, h("time", {}, clock(ms)), h("button.plain", { type: "button", title: job }, brief(job)), h("span.go", {}, from ? `${from} → ` : "", h("b", {}, to)), h("span.by", { title: meaning("reasons", reason) }, reason || edge.split("/").slice(1).join("/")))));
}

function edges() {
  if (!numbers) return;
  const rows = Object.entries(numbers.counts).filter(([name, n]) => name.startsWith("e:") && n).map(([name, n]) => [name.slice(2), n]).sort((a, b) => b[1] - a[1]);
  const most = Math.log1p(rows[0]?.[1] || 1);
  $("#edge-rows").replaceChildren(...rows.map(([edge, n]) => {
    const bar = h("i");
    bar.style.width = `${(100 * Math.log1p(n)) / most}%`;
    const kind = arrowOf(edge)?.kind || "flow";
    return h(`tr.k-${kind}`, {}, h("td", {}, h("code", {}, edge), bar), h("td", {}, short(n)), h("td", {}, numbers.recent[edge] ? short(numbers.recent[edge]) : "·"));
  }));
}
