// The page's own words. The bot's words come from the bot.

const WORDS = {
  ru: {
    bot: "бот", online: "в сети", blockedBy: "вы заблокировали бота", lost: "нет связи, подключаюсь…",
    start: "СТАРТ", unblock: "РАЗБЛОКИРОВАТЬ", menu: "Меню", placeholder: "Сообщение",
    attach: "Прикрепить", send: "Отправить", sample: "Пример фото", drop: "Отпустите, чтобы отправить",
    what: "Что умеет этот бот?", noMessages: "Здесь пока нет сообщений",
    asFile: "Отправить как файл, без сжатия", caption: "Подпись", cancel: "Отмена", ok: "ОК",
    photos: (n) => (n === 1 ? "Отправить фото" : `Отправить фото: ${n}`),
    block: "Заблокировать бота", sticker: "Прислать стикер", voice: "Прислать голосовое",
    contact: "Прислать контакт", video: "Прислать видео", location: "Прислать геопозицию",
    edited: "изменено", become: "Войти как", remove: "Удалить", edit: "Изменить", copied: "Скопировано", deleted: "Сообщение удалено",
    today: "Сегодня", typing: "печатает", upload_video: "отправляет видео", record_video: "записывает видео",
    upload_photo: "отправляет фото", upload_document: "отправляет файл", draft: "пишет…",
    job: "Генерация", noJob: "Пришлите боту фото: здесь появится путь задания", free: "свободно", held: "в залоге",
    live: "живой граф ↗", credits: "Кредиты", timeline: "Переходы", scenarios: "Сценарии",
    scenariosAbout: "Что пойдёт не так при следующей генерации. Нажмите ещё раз, чтобы снять.",
    armed: "следующая", running: "идёт", counters: "Счётчики",
    creates: "запросов провайдеру", accepted: "принято задач", billed: "списано провайдером", messages: "сообщений бота", edits: "правок", pushes: "уведомлений",
    notification: "Новое сообщение", sound: "Уведомления", language: "Язык Telegram",
    kinds: { sticker: "Стикер", voice: "Голосовое сообщение", audio: "Аудио", video_note: "Видеосообщение", contact: "Контакт", location: "Геопозиция", animation: "GIF" },
    states: { queued: "в очереди", generating: "генерация", retry_wait: "ждёт повтора", sending: "отправка", done: "готово", refunded: "возврат", failed: "не вышло" },
  },
  en: {
    bot: "bot", online: "online", blockedBy: "you blocked this bot", lost: "no connection, reconnecting…",
    start: "START", unblock: "UNBLOCK", menu: "Menu", placeholder: "Message",
    attach: "Attach", send: "Send", sample: "Sample photo", drop: "Drop to send",
    what: "What can this bot do?", noMessages: "No messages here yet",
    asFile: "Send as a file, uncompressed", caption: "Caption", cancel: "Cancel", ok: "OK",
    photos: (n) => (n === 1 ? "Send photo" : `Send ${n} photos`),
    block: "Block the bot", sticker: "Send a sticker", voice: "Send a voice message",
    contact: "Send a contact", video: "Send a video", location: "Send a location",
    edited: "edited", become: "Become", remove: "Delete", edit: "Edit", copied: "Copied", deleted: "Message deleted",
    today: "Today", typing: "typing", upload_video: "sending a video", record_video: "recording a video",
    upload_photo: "sending a photo", upload_document: "sending a file", draft: "writing…",
    job: "Generation", noJob: "Send the bot a photo: the job's path appears here", free: "free", held: "held",
    live: "live graph ↗", credits: "Credits", timeline: "Transitions", scenarios: "Scenarios",
    scenariosAbout: "What goes wrong with the next generation. Tap again to take it back.",
    armed: "next", running: "running", counters: "Counters",
    creates: "provider creates", accepted: "accepted tasks", billed: "provider credits billed", messages: "bot messages", edits: "edits", pushes: "notifications",
    notification: "New message", sound: "Notifications", language: "Telegram language",
    kinds: { sticker: "Sticker", voice: "Voice message", audio: "Audio", video_note: "Video message", contact: "Contact", location: "Location", animation: "GIF" },
    states: { queued: "queued", generating: "generating", retry_wait: "retry wait", sending: "sending", done: "done", refunded: "refunded", failed: "failed" },
  },
};

export let language = "ru";
export let w = WORDS.ru;

/** Speak the page in this language (anything but Russian is English). */
export function speak(code) {
  language = (code || "").startsWith("ru") ? "ru" : "en";
  w = WORDS[language];
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = w[element.dataset.word];
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.title = w[element.dataset.hint];
    element.setAttribute("aria-label", w[element.dataset.hint]);
  }
  for (const element of document.querySelectorAll("[data-blank]")) element.placeholder = w[element.dataset.blank];
}
