"""Which Bot API methods the sandbox speaks. Names are matched without regard to case, as Telegram does."""

from collections.abc import Mapping

from adapters.sandbox import telegram_methods as send
from adapters.sandbox import telegram_methods_bot as bot
from adapters.sandbox import telegram_methods_edit as edit

_METHODS: Mapping[str, send.Method] = {
    "getMe": bot.get_me,
    "getUpdates": bot.get_updates,
    "setWebhook": bot.set_webhook,
    "deleteWebhook": bot.delete_webhook,
    "getWebhookInfo": bot.get_webhook_info,
    "sendMessage": send.send_message,
    "sendPhoto": send.send_photo,
    "sendVideo": send.send_video,
    "sendDocument": send.send_document,
    "sendMediaGroup": send.send_media_group,
    "sendChatAction": send.send_chat_action,
    "sendMessageDraft": send.send_message_draft,
    "editMessageText": edit.edit_message_text,
    "editMessageCaption": edit.edit_message_caption,
    "editMessageMedia": edit.edit_message_media,
    "editMessageReplyMarkup": edit.edit_message_reply_markup,
    "deleteMessage": edit.delete_message,
    "answerCallbackQuery": bot.answer_callback_query,
    "getFile": bot.get_file,
    "getChat": bot.get_chat,
    "setMyCommands": bot.set_my_commands,
    "getMyCommands": bot.get_my_commands,
    "setMyName": bot.set_my_text,
    "setMyDescription": bot.set_my_text,
    "setMyShortDescription": bot.set_my_text,
    "setMessageReaction": bot.set_message_reaction,
    "setChatMenuButton": bot.set_nothing,
    "close": bot.set_nothing,
}

METHODS: Mapping[str, tuple[str, send.Method]] = {
    name.lower(): (name, method) for name, method in _METHODS.items()
}
"""Lower-case name → (true name, implementation)."""
