// The seven states as a picture. Any SVG whose elements carry data-state, or data-from and data-to, is lit the same way.

const NODES = {
  queued: [64, 62], generating: [208, 62], sending: [352, 62], done: [496, 62],
  retry_wait: [280, 158], refunded: [172, 262], failed: [388, 262],
};

const EDGES = [
  ["queued", "generating", "M120 62H149"],
  ["generating", "sending", "M264 62H293"],
  ["sending", "done", "M408 62H437"],
  ["queued", "sending", "M64 38C64 -8 352 -8 352 35"],
  ["generating", "generating", "M192 38C186 14 230 14 224 35"],
  ["generating", "retry_wait", "M186 86C186 132 200 152 221 156"],
  ["retry_wait", "generating", "M250 134C238 124 226 112 222 89"],
  ["sending", "retry_wait", "M374 86C374 132 360 152 339 156"],
  ["retry_wait", "sending", "M310 134C322 124 334 112 338 89"],
  ["retry_wait", "refunded", "M254 182C240 202 224 220 208 235"],
  ["retry_wait", "failed", "M306 182C320 202 336 220 352 235"],
  ["generating", "refunded", "M166 86C154 140 152 190 160 235"],
  ["generating", "failed", "M202 86C202 196 270 212 329 258"],
  ["sending", "failed", "M394 86C406 140 408 190 400 235"],
  ["sending", "refunded", "M358 86C358 196 290 212 231 258"],
  ["queued", "refunded", "M64 86C64 170 78 236 113 256"],
  ["queued", "failed", "M46 86C24 236 44 302 150 302C250 302 330 304 374 289"],
];

const NS = "http://www.w3.org/2000/svg";

function s(tag, attributes, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The page's own drawing. `words` names the states in the person's language. */
export function drawing(words) {
  const svg = s("svg", { viewBox: "4 0 552 312", role: "img", class: "graph" });
  const head = (id) => s("marker", { id, viewBox: "0 0 8 8", refX: 6.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" }, s("path", { d: "M0 .6L7.4 4 0 7.4z" }));
  svg.append(s("defs", {}, head("arrow"), head("arrow-past")));
  for (const [from, to, d] of EDGES) svg.append(s("path", { class: "edge", d, "data-from": from, "data-to": to }));
  for (const [name, [x, y]] of Object.entries(NODES)) {
    const title = s("text", { x, y: y - 2 });
    title.textContent = name;
    const word = s("text", { x, y: y + 14, class: "word" });
    word.textContent = words[name] === name.replace("_", " ") ? "" : words[name];
    if (!word.textContent) title.setAttribute("y", String(y + 5));
    svg.append(s("g", { class: "node", "data-state": name }, s("rect", { x: x - 56, y: y - 24, width: 112, height: 48, rx: 13 }), title, word));
  }
  return svg;
}

/** Light the states and edges that a job went through; the last one is where it stands. */
export function light(root, events) {
  const last = events.at(-1);
  const states = new Set(events.flatMap((event) => [event.from, event.to]));
  const moves = new Set(events.map((event) => `${event.from}>${event.to}`));
  for (const element of root.querySelectorAll("[data-state]")) {
    const name = element.getAttribute("data-state");
    element.classList.toggle("current", Boolean(last) && name === last.to);
    element.classList.toggle("past", states.has(name) && name !== last?.to);
  }
  for (const element of root.querySelectorAll("[data-from][data-to]")) {
    const move = `${element.getAttribute("data-from")}>${element.getAttribute("data-to")}`;
    element.classList.toggle("past", moves.has(move));
    element.classList.toggle("latest", Boolean(last) && move === `${last.from}>${last.to}`);
  }
  for (const edge of root.querySelectorAll(".graph > .edge.past")) edge.parentNode.insertBefore(edge, root.querySelector(".node"));
}
