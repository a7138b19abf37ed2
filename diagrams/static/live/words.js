// Both languages. States, triggers and reasons keep their names: they are the words of the graph; what they
// mean comes with the page.

const EN = {
  live: "live", chat: "← chat", heat: "Heat", rules: "Rules", jobs: "Live jobs", moves: "Moves", edges: "Edges",
  job: "job", state: "state", due: "due", why: "why · who", edge: "edge", ever: "ever", recent: "5 min",
  search: "job id", searchUser: "job id or user", anyState: "any state", anyReason: "any reason", aside: "set aside",
  connected: "live", reconnecting: "reconnecting…", lost: "The store does not answer: what you see is as of a moment ago.",
  noJobs: "No job is live just now.", noneFit: "No live job fits the search.", perMinute: "/min", overdue: "ago", in: "in", now: "now",
  lease: "under lease of", units: ["ms", "s", "min", "h", "d"],
  rates: { moves: "moves", started: "started", done: "delivered", retries: "retries", refunds: "refunds", failed: "failed" },
  p: (a, b) => `p50 ${a} · p95 ${b}`, left: "left here within 5 min", everHere: "ever ended here", nowHere: "here now", takenEver: "times taken", takenRecent: "within 5 min",
  submit: "submit", made: "made", age: "age", deadline: "deadline", nextTry: "next try", model: "model", credits: "credits",
  failures: "failures", deliveries: "deliveries begun", told: "told", refused: "not tried again", again: "sends again", video: "video", counters: "seq · epoch",
  user: "user", wishes: "wishes", hidden: "What the user wrote is hidden.", hiddenSign: "Sign in to see it.", tasks: "provider tasks", history: "history",
  trouble: "last trouble", step: (n, of) => `step ${n} of ${of}`, back: "step back (←)", forward: "step forward (→)", first: "first (Home)", last: "latest (End)", close: "close (Esc)", copy: "copy the id", copied: "copied",
  cancel: "Cancel job", sure: "Cancel it? Credits go back at once.", results: { cancelled: "Cancelled.", too_late: "Too late: the provider is already being paid for it.", over: "It has ended already.", unknown_job: "There is no such job." },
  gone: "There is no job with this id (any more).", inputs: "recorded inputs", effects: "planned effects", by: "by", rule: "rule", after: "after",
  digest: "digest of the state graph: two graphs with one digest behave alike", heatTip: "line widths by traffic (h)", rulesTip: "read the rules on the edges (r)", theme: "light or dark", logout: "sign out",
  zoomIn: "closer (+)", zoomOut: "farther (−)", fit: "whole graph (0)", stateFilter: "only jobs in this state", reasonFilter: "only jobs whose last step failed for this reason", keys: "← → step · Esc close · / search",
  numbersLine: "moves within five minutes; violet retries, amber refunds", only: (state) => `list only ${state}`,
};

const RU = {
  live: "вживую", chat: "← чат", heat: "Нагрузка", rules: "Правила", jobs: "В работе", moves: "Переходы", edges: "Рёбра",
  job: "задача", state: "состояние", due: "срок", why: "почему · кто", edge: "ребро", ever: "всего", recent: "5 мин",
  search: "номер задачи", searchUser: "номер задачи или пользователь", anyState: "любое состояние", anyReason: "любая причина", aside: "отложена",
  connected: "на связи", reconnecting: "соединяюсь…", lost: "Хранилище не отвечает: показано то, что было только что.",
  noJobs: "Сейчас ни одна задача не в работе.", noneFit: "Под поиск ничего не подходит.", perMinute: "/мин", overdue: "назад", in: "через", now: "сейчас",
  lease: "в аренде у", units: ["мс", "с", "мин", "ч", "д"],
  rates: { moves: "переходов", started: "начато", done: "доставлено", retries: "повторов", refunds: "возвратов", failed: "неудач" },
  p: (a, b) => `p50 ${a} · p95 ${b}`, left: "вышло за 5 минут", everHere: "закончилось здесь всего", nowHere: "сейчас здесь", takenEver: "раз пройдено", takenRecent: "за 5 минут",
  submit: "создана", made: "создана", age: "возраст", deadline: "крайний срок", nextTry: "следующая попытка", model: "модель", credits: "кредиты",
  failures: "неудачи", deliveries: "начато доставок", told: "сообщено", refused: "больше не пробовать", again: "повторная отправка", video: "видео", counters: "seq · epoch",
  user: "пользователь", wishes: "пожелания", hidden: "Написанное пользователем скрыто.", hiddenSign: "Войдите, чтобы увидеть.", tasks: "задания у провайдера", history: "история",
  trouble: "последняя беда", step: (n, of) => `шаг ${n} из ${of}`, back: "шаг назад (←)", forward: "шаг вперёд (→)", first: "первый (Home)", last: "последний (End)", close: "закрыть (Esc)", copy: "скопировать номер", copied: "скопировано",
  cancel: "Отменить задачу", sure: "Отменить? Кредиты вернутся сразу.", results: { cancelled: "Отменена.", too_late: "Поздно: провайдеру за неё уже платят.", over: "Она уже закончилась.", unknown_job: "Такой задачи нет." },
  gone: "Задачи с таким номером нет (или уже нет).", inputs: "записанные входы", effects: "намеченные действия", by: "кто", rule: "правило", after: "спустя",
  digest: "отпечаток графа: два графа с одним отпечатком ведут себя одинаково", heatTip: "толщина линий по нагрузке (h)", rulesTip: "читать правила на рёбрах (r)", theme: "светлая или тёмная", logout: "выйти",
  zoomIn: "ближе (+)", zoomOut: "дальше (−)", fit: "весь граф (0)", stateFilter: "только задачи в этом состоянии", reasonFilter: "только задачи, чей последний шаг не удался по этой причине", keys: "← → шаги · Esc закрыть · / поиск",
  numbersLine: "переходы за пять минут; фиолетовым повторы, янтарным возвраты", only: (state) => `показать только ${state}`,
};

const kept = (name) => { try { return localStorage.getItem(`reelstate.${name}`); } catch { return null; } };
export const keep = (name, value) => { try { localStorage.setItem(`reelstate.${name}`, value); } catch { /* a private window forgets */ } };

export const language = (kept("language") || navigator.language).startsWith("ru") ? "ru" : "en";
export const w = language === "ru" ? RU : EN;
export const theme = kept("theme") || "auto";

const given = JSON.parse(document.body.dataset.meanings || "{}")[language] || {};
/** What a state, trigger or reason means, "" when nobody said. */
export const meaning = (kind, name) => given[kind]?.[name] || "";

/** Put the words into the page. */
export function speak() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = w[element.dataset.word] || "";
  for (const element of document.querySelectorAll("[data-tip]")) { element.title = w[element.dataset.tip]; element.setAttribute("aria-label", w[element.dataset.tip]); }
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", w[element.dataset.label]);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
    button.onclick = () => { keep("language", button.dataset.language); location.reload(); };
  }
}
