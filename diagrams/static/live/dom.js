// Small helpers: elements, numbers, spans of time. Texts only ever become text nodes.

import { language, w } from "./words.js";

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

function made(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on") || name === "textContent" || name === "title" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Make an element: `h("div.row.now", {onclick}, child, "text")`. */
export function h(what, properties = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  return made(element, properties, children);
}

/** The same for the picture. */
export const s = (tag, properties = {}, ...children) => made(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);

const PATHS = {
  first: "M4 3v10M13 3L7 8l6 5z", back: "M12 3L5 8l7 5z", forward: "M4 3l7 5-7 5z", last: "M12 3v10M3 3l6 5-6 5z", copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
};

/** A small line icon. */
export const icon = (name) => s("svg", { viewBox: "0 0 16 16", class: `icon i-${name}`, "aria-hidden": "true" }, s("path", { d: PATHS[name] }));

/** 1,234 · 12.3k · 4.1M */
export function short(n) {
  if (n < 10_000) return n.toLocaleString(language);
  const [size, unit] = n < 1e6 ? [1e3, "k"] : [1e6, "M"];
  return `${(n / size).toLocaleString(language, { maximumFractionDigits: n / size < 100 ? 1 : 0 })}${unit}`;
}

/** A short span: 120 ms, 8.5 s, 41 s, 3 min, 6 h. */
export function span(ms) {
  const units = w.units;
  const n = (value) => value.toLocaleString(language, { maximumFractionDigits: value < 10 ? 1 : 0 });
  if (ms < 1000) return `${Math.round(ms)} ${units[0]}`;
  if (ms < 120_000) return `${n(ms / 1000)} ${units[1]}`;
  if (ms < 7_200_000) return `${n(ms / 60_000)} ${units[2]}`;
  return ms < 172_800_000 ? `${n(ms / 3_600_000)} ${units[3]}` : `${n(ms / 86_400_000)} ${units[4]}`;
}

/** HH:MM:SS of a moment. */
export const clock = (ms) => new Date(ms).toLocaleTimeString(language, { hour12: false });

/** A job's number as people read it out. */
export const brief = (job) => (job.length > 12 ? `${job.slice(0, 10)}…` : job);

export const calm = matchMedia("(prefers-reduced-motion: reduce)");
