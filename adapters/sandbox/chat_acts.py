"""The person's side over HTTP: `/sandbox/act/<act>`, JSON or multipart, for the page and for tests.

Every address acts for `user_id` (query or body; the page's person when left out) and answers what came of it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from adapters.sandbox.faults import Fault
from adapters.sandbox.telegram_person import FILELESS, KINDS, Person
from adapters.sandbox.telegram_request import Call, read_call
from adapters.sandbox.telegram_server import SandboxTelegram
from adapters.sandbox.telegram_state import Json, Refused, SandboxMessage

Act = Callable[[Person, Call], Awaitable[Json]]


class PersonRoutes:
    """`POST /sandbox/act/<act>` for each act of a person, `/sandbox/faults` for what goes wrong."""

    def __init__(self, telegram: SandboxTelegram, user_id: int) -> None:
        self._telegram = telegram
        self._user_id = user_id
        self._acts: dict[str, Act] = {
            "text": self._text,
            "photo": self._photo,
            "document": self._document,
            "album": self._album,
            "kind": self._kind,
            "tap": self._tap,
            "edit": self._edit,
            "delete": self._delete,
            "block": self._block,
            "unblock": self._unblock,
            "language": self._language,
        }

    def routes(self, app: web.Application) -> None:
        """Add the addresses."""
        app.router.add_post("/sandbox/act/{act}", self._act)
        app.router.add_get("/sandbox/faults", self._faults)
        app.router.add_post("/sandbox/faults", self._add_faults)
        app.router.add_delete("/sandbox/faults", self._clear_faults)

    async def _act(self, request: web.Request) -> web.Response:
        act = self._acts.get(request.match_info["act"])
        if act is None:
            raise web.HTTPNotFound(text=f"acts: {', '.join(self._acts)}")
        if not same_origin(request):
            raise web.HTTPForbidden(text="another site may not act here")
        try:
            call = await read_call(request, request.match_info["act"])
            person = self._telegram.person(call.number("user_id", self._user_id))
            return web.json_response(await act(person, call))
        except Refused as refused:
            raise web.HTTPBadRequest(text=refused.description) from None
        except (LookupError, ValueError) as trouble:
            raise web.HTTPBadRequest(text=str(trouble)) from None

    def _shown(self, message: SandboxMessage) -> Json:
        return {"message": self._telegram.world.page(message)}

    async def _text(self, person: Person, call: Call) -> Json:
        text = call.text("text").strip()
        if not text:
            raise ValueError("nothing to say")
        return self._shown(await person.send_text(text))

    async def _photo(self, person: Person, call: Call) -> Json:
        data = call.files["file"].data
        return self._shown(await person.send_photo(data, call.text("caption")))

    async def _document(self, person: Person, call: Call) -> Json:
        file = call.files["file"]
        return self._shown(
            await person.send_document(file.data, file.name, file.mime, caption=call.text("caption"))
        )

    async def _album(self, person: Person, call: Call) -> Json:
        pictures = [call.files[name].data for name in sorted(call.files)]
        sent = await person.send_album(pictures, call.text("caption"))
        return {"messages": [self._telegram.world.page(message) for message in sent]}

    async def _kind(self, person: Person, call: Call) -> Json:
        kind = call.text("kind")
        if kind not in {*KINDS, *FILELESS}:
            raise ValueError(f"kinds: {', '.join([*KINDS, *FILELESS])}")
        return self._shown(await person.send_kind(kind))

    async def _tap(self, person: Person, call: Call) -> Json:
        tap = await person.tap(call.number("message_id"), call.text("data"))
        return {"callback_id": tap.id}

    async def _edit(self, person: Person, call: Call) -> Json:
        return self._shown(await person.edit(call.number("message_id"), call.text("text")))

    async def _delete(self, person: Person, call: Call) -> Json:
        await person.delete(call.number("message_id"))
        return {}

    async def _block(self, person: Person, _call: Call) -> Json:
        await person.block()
        return {"blocked": True}

    async def _unblock(self, person: Person, _call: Call) -> Json:
        await person.unblock()
        return {"blocked": False}

    async def _language(self, person: Person, call: Call) -> Json:
        person.speak(call.text("language_code"))
        return {}

    async def _faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._telegram.faults.to_json())

    async def _add_faults(self, request: web.Request) -> web.Response:
        body: Any = await request.json()
        if not same_origin(request):
            raise web.HTTPForbidden(text="another site may not act here")
        try:
            for raw in body if isinstance(body, list) else [body]:
                self._telegram.faults.add(Fault.from_json(raw))
        except ValueError as trouble:
            raise web.HTTPBadRequest(text=str(trouble)) from None
        return await self._faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._telegram.faults.clear()
        return await self._faults(request)


def same_origin(request: web.Request) -> bool:
    """Whether the page itself (or no browser at all) asks: other sites must not act for the person."""
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host
