// Small helpers: elements, icons, calls to the server. Texts only ever become text nodes.

/** Make an element: `h("div.bubble", {onclick}, child, "text")`. */
export function h(what, properties = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("data-") || name.startsWith("aria-") || name === "role") element.setAttribute(name, value);
    else if (value !== undefined) element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export const $ = (selector) => document.querySelector(selector);

const PATHS = {
  sent: "M1 7l4 4 8-9M8 10l1 1 8-9",
  link: "M6 3h7v7M13 3L4 12",
  copy: "M5 5V2h9v9h-3M2 5h9v9H2z",
  file: "M4 1h6l4 4v10H4zM10 1v4h4",
};

/** A small line icon. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", name === "sent" ? "0 0 18 13" : "0 0 16 16");
  svg.setAttribute("class", `icon ${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** HH:MM of a moment. */
export function clock(ms) {
  const when = new Date(ms);
  return `${String(when.getHours()).padStart(2, "0")}:${String(when.getMinutes()).padStart(2, "0")}`;
}

export const user = new URLSearchParams(location.search).get("user_id");
const query = user ? `?user_id=${encodeURIComponent(user)}` : "";
export const address = (path) => path + query;

/** Do something as the person. Throws the server's sentence when it is refused. */
export async function act(name, body) {
  const form = body instanceof FormData;
  const answer = await fetch(address(`/sandbox/act/${name}`), {
    method: "POST",
    headers: form ? {} : { "Content-Type": "application/json" },
    body: form ? body : JSON.stringify(body || {}),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Show a short note over the chat, as Telegram shows the answer to a tap. */
export function toast(text) {
  const note = h("div.toast", { role: "status" }, text);
  $("#toasts").append(note);
  setTimeout(() => note.classList.add("gone"), Math.min(2500 + text.length * 30, 7000));
  note.addEventListener("animationend", () => note.classList.contains("gone") && note.remove());
}

/** Show a message that wants to be read and closed. */
export function alertBox(text) {
  $("#alert-text").textContent = text;
  $("#alert").showModal();
}
