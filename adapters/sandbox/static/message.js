// Draws one message as Telegram draws it.

import { act, alertBox, clock, h, icon, toast } from "./dom.js";
import { w } from "./words.js";

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote", expandable_blockquote: "blockquote" };
const file = (id) => `/sandbox/file/${encodeURIComponent(id)}`;
const safe = (url) => (/^(https?|tg|mailto):/i.test(url) ? url : "#");

/** Buttons waiting for the bot's answer: callback id → true; `message:data` while it is under way. */
export const waiting = new Map();

/** Text with entities (offsets are UTF-16, as JavaScript's own) as nodes. */
export function rich(text, entities = [], from = 0, to = text.length) {
  const nodes = [];
  let at = from;
  const inside = entities.filter((e) => e.offset >= from && e.offset + e.length <= to);
  while (inside.length) {
    const entity = inside.shift();
    const end = entity.offset + entity.length;
    if (entity.offset < at) continue;
    if (entity.offset > at) nodes.push(text.slice(at, entity.offset));
    const nested = inside.filter((e) => e.offset >= entity.offset && e.offset + e.length <= end);
    nodes.push(formatted(entity, text.slice(entity.offset, end), rich(text, nested, entity.offset, end)));
    at = end;
  }
  if (at < to) nodes.push(text.slice(at, to));
  return nodes;
}

function formatted(entity, plain, children) {
  if (entity.type in TAGS) return h(TAGS[entity.type], {}, ...children);
  if (entity.type === "spoiler") return h("span.spoiler", { onclick: (e) => e.currentTarget.classList.add("open") }, ...children);
  if (entity.type === "url" || entity.type === "text_link") {
    return h("a", { href: safe(entity.url || plain), target: "_blank", rel: "noopener noreferrer" }, ...children);
  }
  if (entity.type === "bot_command") {
    return h("a", { href: "#", onclick: (e) => { e.preventDefault(); act("text", { text: plain }); } }, ...children);
  }
  return h("span", {}, ...children);
}

function film(video) {
  return h("video.media", {
    src: file(video.file_id), poster: video.thumbnail ? file(video.thumbnail.file_id) : undefined,
    width: video.width, height: video.height, muted: true, loop: true, autoplay: true, controls: true, playsInline: true,
  });
}

function photo(sizes) {
  const best = sizes.at(-1);
  const image = h("img.media", { src: file(best.file_id), width: best.width, height: best.height, alt: "" });
  image.onclick = () => window.open(image.src, "_blank", "noopener");
  return image;
}

function paper(name, size, id) {
  const amount = size > 1e6 ? `${(size / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(size / 1e3))} KB`;
  return h("a.paper", { href: file(id), target: "_blank", rel: "noopener" }, h("span.badge", {}, icon("file")), h("span", {}, h("b", {}, name), h("small", {}, amount)));
}

function medium(message) {
  if (message.kind === "photo") return photo(message.photo);
  if (message.kind === "video" && message.by_bot) return film(message.video);
  if (message.kind === "document") return paper(message.document.file_name || "file", message.document.file_size, message.document.file_id);
  if (message.kind === "sticker") return h("div.sticker", {}, message.sticker.emoji);
  if (message.kind === "text") return null;
  return h("div.paper", {}, h("span.badge", {}, icon("file")), h("span", {}, h("b", {}, w.kinds[message.kind] || message.kind)));
}

async function tap(message, button) {
  if (button.url) return void window.open(safe(button.url), "_blank", "noopener");
  if (button.copy_text) {
    await navigator.clipboard?.writeText(button.copy_text.text);
    return toast(w.copied);
  }
  if (!button.callback_data) return undefined;
  const key = `${message.message_id}:${button.callback_data}`;
  if (waiting.has(key)) return undefined;
  waiting.set(key, "");
  refreshWaiting();
  try {
    const { callback_id: id } = await act("tap", { message_id: message.message_id, data: button.callback_data });
    if (answered.delete(id)) waiting.delete(key);
    else waiting.set(key, id);
    setTimeout(() => { waiting.delete(key); refreshWaiting(); }, 15000);
  } catch (trouble) {
    waiting.delete(key);
    toast(trouble.message);
  }
  return refreshWaiting();
}

const answered = new Set();

/** The bot answered a tap: free its button, show what it says. */
export function onAnswer(event) {
  let known = false;
  for (const [key, id] of waiting) if (id === event.callback_id) known = waiting.delete(key);
  if (!known) answered.add(event.callback_id);
  refreshWaiting();
  if (event.text) (event.alert ? alertBox : toast)(event.text);
}

function refreshWaiting() {
  for (const button of document.querySelectorAll("[data-tap]")) {
    const busy = waiting.has(button.dataset.tap);
    button.classList.toggle("busy", busy);
    button.disabled = busy || button.dataset.off === "1";
  }
}

function keyboard(message) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows) return null;
  return h("div.keys", {}, ...rows.map((row) => h("div.row", {}, ...row.map((button) => key(message, button)))));
}

function key(message, button) {
  const name = `${message.message_id}:${button.callback_data || ""}`;
  const corner = button.url ? icon("link") : button.copy_text ? icon("copy") : null;
  const element = h("button.key", { type: "button", onclick: () => tap(message, button) }, h("span", {}, button.text), corner);
  if (button.style) element.classList.add(button.style);
  if (button.callback_data) element.dataset.tap = name;
  if (button.disabled) element.dataset.off = "1";
  element.disabled = Boolean(button.disabled) || waiting.has(name);
  element.classList.toggle("busy", waiting.has(name));
  return element;
}

/** A message with its keyboard, as one element. `old`: what it was drawn as before. */
export function draw(message, old) {
  const text = message.text ?? message.caption ?? "";
  const media = old?.dataset.file === fileOf(message) && fileOf(message) ? old.querySelector(".media") : medium(message);
  const time = h("span.time", {}, message.edits && !message.by_bot ? `${w.edited} ` : "", clock(message.at_ms), message.by_bot ? null : icon("sent"));
  const words = text ? h("div.text", {}, ...rich(text, message.entities || message.caption_entities || []), h("span.gap", { "data-out": message.by_bot ? "" : "1" })) : null;
  const quoted = message.reply_to_message;
  const quote = quoted ? h("div.quote", {}, quoted.text || quoted.caption || "…") : null;
  const bubble = h(`div.bubble.${message.kind}${text ? "" : ".bare"}`, {}, quote, media, words, time);
  bubble.style.setProperty("--wide", String(breadth(message)));
  const element = h(`article.message.${message.by_bot ? "in" : "out"}`, { "data-id": message.message_id, "data-file": fileOf(message) }, bubble, keyboard(message));
  if (message.media_group_id) element.dataset.album = message.media_group_id;
  if (old) element.classList.add(old.dataset.file === fileOf(message) ? "changed" : "morphed");
  return element;
}

/** How wide a picture or film is shown, px: inside a box, never a sliver. */
function breadth(message) {
  const shown = message.video || message.photo?.at(-1);
  if (!shown?.width) return 240;
  const [most, tall] = message.video ? [420, Math.min(430, innerHeight * 0.5)] : [340, 300];
  return Math.round(Math.max(200, Math.min(most, tall * (shown.width / shown.height))));
}

function fileOf(message) {
  return message.video?.file_id || message.photo?.at(-1).file_id || message.document?.file_id || "";
}
