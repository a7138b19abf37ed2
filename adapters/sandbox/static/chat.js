// The chat: what the server tells is drawn, what the person does is told to the server.

import { $, act, address, h, toast } from "./dom.js";
import { draw, onAnswer, rich } from "./message.js";
import { onCounters, onJob, onScenario, showPanel } from "./panel.js";
import { offer, openUpload } from "./upload.js";
import { speak, w } from "./words.js";

const messages = new Map();
let state = null;
let unread = 0;
let quiet = 0;
let draft = null;
let doing = 0;
let deed = "";

const list = $("#messages");
const nearEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < 160;
const toEnd = (smooth) => list.scrollTo({ top: list.scrollHeight, behavior: smooth ? "smooth" : "instant" });

function put(message) {
  const known = messages.get(message.message_id);
  if (known && known.edits > message.edits) return;
  messages.set(message.message_id, message);
  const old = list.querySelector(`[data-id="${message.message_id}"]`);
  const stay = nearEnd();
  const element = draw(message, old);
  if (!old) element.classList.add("fresh");
  if (old) old.replaceWith(element);
  else list.append(element);
  element.oncontextmenu = (event) => contextMenu(event, message);
  element.querySelector("img.media")?.addEventListener("load", () => stay && toEnd());
  arrange();
  if (stay || !message.by_bot) toEnd(!document.hidden && Boolean(old === null));
}

/** Tails and gaps: the last of a run of one side has the tail; what was drafted stays last. */
function arrange() {
  const all = [...list.querySelectorAll(".message:not(.draft)")];
  all.forEach((element, index) => {
    const next = all[index + 1];
    element.classList.toggle("tail", !next || next.classList.contains("in") !== element.classList.contains("in"));
    element.classList.toggle("joined", Boolean(next?.dataset.album) && next.dataset.album === element.dataset.album);
  });
  const writing = list.querySelector(".draft");
  if (writing) list.append(writing);
  $("#start").hidden = !state?.person.blocked && messages.size > 0;
  $("#write").hidden = !$("#start").hidden;
  $("#start").textContent = state?.person.blocked ? w.unblock : w.start;
  const welcome = list.querySelector(".welcome");
  if (welcome) welcome.hidden = messages.size > 0;
  replies();
}

function replies() {
  const last = [...messages.values()].filter((m) => m.by_bot && m.reply_keyboard).at(-1);
  const rows = last?.reply_keyboard.keyboard || [];
  $("#replies").hidden = rows.length === 0;
  $("#replies").replaceChildren(...rows.map((row) => h("div.row", {}, ...row.map((button) => {
    const text = typeof button === "string" ? button : button.text;
    return h("button", { type: "button", onclick: () => say(text) }, text);
  }))));
}

function presence() {
  const action = Date.now() < doing ? w[deed] || w.typing : "";
  $("#presence").textContent = state.lost ? w.lost : state.person.blocked ? w.blockedBy : action || w.bot;
  $("#presence").classList.toggle("busy", Boolean(action) && !state.lost);
}

function showDraft(content) {
  draft = content;
  list.querySelector(".draft")?.remove();
  if (!draft) return;
  const text = draft.text ? rich(draft.text, draft.entities) : [w.draft];
  list.append(h("article.message.in.draft.tail", {}, h("div.bubble", {}, h("div.text", {}, ...text, h("i.dots")))));
  toEnd(true);
}

async function load() {
  const answer = await fetch(address("/sandbox/state"));
  state = await answer.json();
  speak(state.person.language_code);
  document.title = `${state.bot.first_name} · sandbox`;
  $("#name").textContent = $("#ring-name").textContent = state.bot.texts.Name || state.bot.first_name;
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === (state.person.language_code || "").slice(0, 2)));
  }
  messages.clear();
  const about = state.bot.texts.Description || state.bot.texts.ShortDescription || w.noMessages;
  list.replaceChildren(h("div.welcome", {}, h("b", {}, w.what), h("p", {}, about)));
  for (const message of state.messages) put(message);
  for (const element of list.querySelectorAll(".fresh")) element.classList.remove("fresh");
  showDraft(state.draft);
  arrange();
  presence();
  toEnd();
  await showPanel(state);
}

/** The phone rings: the bell swings, a card slides in when the tab looks elsewhere. */
function push(event) {
  showDraft(null);
  doing = 0;
  presence();
  if (event.silent) return;
  unread += 1;
  $("#unread").hidden = false;
  $("#unread").textContent = unread;
  const bell = $("#bell");
  bell.classList.remove("ringing");
  void bell.offsetWidth;
  bell.classList.add("ringing");
  const message = messages.get(event.message_id);
  $("#ring-text").textContent = (message?.text || message?.caption || w.notification).slice(0, 80);
  $("#ring").hidden = false;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("#ring").hidden = true; }, 2600);
}

const handlers = {
  message: (event) => { put(event.message); if (event.message.by_bot) showDraft(null); },
  deleted: (event) => {
    messages.delete(event.message_id);
    list.querySelector(`[data-id="${event.message_id}"]`)?.remove();
    arrange();
  },
  push,
  answer: onAnswer,
  action: (event) => {
    deed = event.action;
    doing = Date.now() + 5000;
    presence();
    setTimeout(presence, 5100);
  },
  draft: (event) => showDraft(event.draft),
  blocked: (event) => { state.person.blocked = event.blocked; arrange(); presence(); },
  commands: () => refresh(),
  reaction: () => {},
  job: (event) => onJob(event.event),
  counters: (event) => onCounters(event.counters),
  scenario: onScenario,
  call: () => {},
};

// While a snapshot is on its way events wait: an older snapshot must not undo them. Replaying one is harmless.
let held = null;
let stale = false;

async function refresh() {
  if (held) {
    stale = true;
    return;
  }
  held = [];
  try {
    do {
      stale = false;
      await load();
    } while (stale);
  } finally {
    const waiting = held;
    held = null;
    if (state) for (const event of waiting) handlers[event.type]?.(event);
  }
}

function listen() {
  const source = new EventSource(address("/sandbox/events"));
  source.onopen = refresh;
  source.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (held && event.type !== "commands") held.push(event);
    else handlers[event.type]?.(event);
  };
  source.onerror = () => {
    if (state) { state.lost = true; presence(); }
  };
}

const say = (text) => act("text", { text }).catch((trouble) => toast(trouble.message));

function contextMenu(event, message) {
  event.preventDefault();
  const items = [[w.remove, () => act("delete", { message_id: message.message_id })]];
  if (!message.by_bot && message.text) {
    items.unshift([w.edit, () => { $("#text").value = message.text; $("#text").dataset.edit = message.message_id; $("#text").focus(); }]);
  }
  const menu = $("#more-menu");
  openMenu(menu, items);
  const box = $("#chat").getBoundingClientRect();
  const left = Math.min(event.clientX - box.left, box.width - menu.offsetWidth - 10);
  const top = Math.min(event.clientY - box.top, box.height - menu.offsetHeight - 10);
  menu.style.cssText = `left:${left}px;top:${top}px;right:auto`;
}

function openMenu(menu, items) {
  menu.style.cssText = "";
  menu.replaceChildren(...items.map(([name, run, note]) => h("button", { type: "button", role: "menuitem", onclick: () => { menu.hidden = true; run(); } }, h("span", {}, name), note ? h("small", {}, note) : null)));
  menu.hidden = items.length === 0;
}

$("#more").onclick = (event) => {
  event.stopPropagation();
  const send = (kind) => () => act("kind", { kind });
  openMenu($("#more-menu"), [
    [w.sticker, send("sticker")], [w.voice, send("voice")], [w.video, send("video")],
    [w.contact, send("contact")], [w.location, send("location")], [w.block, () => act("block")],
    ...state.people.map((person) => [`${w.become} ${person.first_name}`, () => open(`/?user_id=${person.id}`, "_blank", "noopener"), String(person.id)]),
  ]);
};
const commandItems = (start) => (state?.commands || [])
  .filter((command) => `/${command.command}`.startsWith(start))
  .map((command) => [command.description, () => { $("#text").value = ""; say(`/${command.command}`); }, `/${command.command}`]);
$("#menu").onclick = (event) => {
  event.stopPropagation();
  if ($("#commands").hidden) openMenu($("#commands"), commandItems("/"));
  else $("#commands").hidden = true;
};
document.addEventListener("click", () => { $("#more-menu").hidden = $("#commands").hidden = true; });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") $("#more-menu").hidden = $("#commands").hidden = true;
});
$("#bell").onclick = () => { unread = 0; $("#unread").hidden = true; };
$("#start").onclick = () => (state.person.blocked ? act("unblock") : say("/start"));
for (const button of document.querySelectorAll("[data-language]")) {
  button.onclick = () => act("language", { language_code: button.dataset.language });
}
const text = $("#text");
const grow = () => {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 160)}px`;
  $("#write").classList.toggle("ready", text.value.trim() !== "");
};
text.oninput = () => {
  grow();
  if (/^\/\w*$/.test(text.value)) openMenu($("#commands"), commandItems(text.value));
  else $("#commands").hidden = true;
};
text.onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("#write").requestSubmit(); }
};
$("#write").onsubmit = (event) => {
  event.preventDefault();
  const said = text.value.trim();
  const edit = Number(text.dataset.edit || 0);
  text.value = "";
  delete text.dataset.edit;
  $("#commands").hidden = true;
  grow();
  if (!said) return;
  if (edit) act("edit", { message_id: edit, text: said });
  else say(said);
};
offer();
$("#sample").onclick = async () => {
  const blob = await (await fetch("/sandbox/sample")).blob();
  openUpload([new File([blob], "sample.jpg", { type: "image/jpeg" })]);
};
listen();
