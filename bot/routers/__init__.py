"""The conversation: one router a concern, put together once.

Order matters: operators' commands first, then commands, photos and texts, and last what nothing else took.
Conversation state lives in the store (drafts), so aiogram's own FSM is off and any process may answer.
"""

from aiogram import Dispatcher, F
from aiogram.enums import ChatType

from bot import admin
from bot.desk import Desk
from bot.routers import jobs, money, photos, privacy, rest, welcome, wishes
from bot.routers.guests import Reception


def make_dispatcher(desk: Desk) -> Dispatcher:
    """A dispatcher that serves this desk. Feed it stored updates (bot.dispatch)."""
    dispatcher = Dispatcher(disable_fsm=True)
    reception = Reception(desk)
    for observer in (dispatcher.message, dispatcher.callback_query, dispatcher.my_chat_member):
        observer.outer_middleware(reception)
    dispatcher.include_router(admin.make_router(desk))
    for room in (welcome, jobs, money, privacy, photos, wishes):
        router = room.make_router()
        router.message.filter(F.chat.type == ChatType.PRIVATE)
        dispatcher.include_router(router)
    dispatcher.include_router(rest.make_router())
    return dispatcher
