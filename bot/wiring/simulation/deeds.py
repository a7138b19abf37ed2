"""What the script does to a world, deed by deed."""

from typing import TYPE_CHECKING

from bot.wiring.simulation.acts import Act, Deed
from engine.simulation.host import Host

if TYPE_CHECKING:
    from bot.wiring.simulation.world import World

_OF_USERS = frozenset(
    {
        Deed.LAUNCH,
        Deed.TAP_AGAIN,
        Deed.CANCEL,
        Deed.REDELIVER,
        Deed.OLD_BUTTON,
        Deed.STRANGER,
        Deed.LOOK,
        Deed.ERASE,
        Deed.GRANT,
        Deed.TAKE,
    }
)
_OF_OPERATOR = frozenset({Deed.PAUSE, Deed.ASIDE, Deed.MIGRATE})
OPERATOR = "1"
"""Their chat."""
_OF_CHATS = frozenset({Deed.DELETE, Deed.BLOCK, Deed.RETURN})
_OF_PROCESSES = frozenset({Deed.KILL, Deed.STOP, Deed.FREEZE, Deed.CUT, Deed.JUMP})
_OF_STORE = frozenset({Deed.OUTAGE, Deed.FLUSH})


def do(world: "World", act: Act) -> None:
    """Do it now."""
    if act.deed in _OF_USERS:
        _update(world, act)
    elif act.deed in _OF_OPERATOR:
        _operator(world, act)
    elif act.deed in _OF_CHATS:
        _chat(world, act)
    elif act.deed in _OF_PROCESSES:
        _processes(world, act)
    elif act.deed in _OF_STORE:
        _store(world, act)
    else:
        _provider(world, act)


def _update(world: "World", act: Act) -> None:
    """A user taps something: the proposal is there before, and becomes the status message."""
    user = int(act.who)
    if act.deed is Deed.LAUNCH:
        world.messages[act.job] = world.telegram.post(user, f"proposal {act.job}")
    if act.deed is Deed.REDELIVER:
        world.mail.send(act, world.telegram.post(user, f"again {act.job}"))
    else:
        world.mail.send(act, world.messages.get(act.job, 0))


def _operator(world: "World", act: Act) -> None:
    """Done, and undone after a while whatever else happens."""
    world.mail.send(Act(act.at_s, act.deed, OPERATOR))
    undo = {Deed.PAUSE: Deed.UNPAUSE, Deed.ASIDE: Deed.BACK}.get(act.deed)
    if undo is None:
        return
    world.owed += 1

    def settle() -> None:
        world.owed -= 1
        world.mail.send(Act(act.at_s, undo, OPERATOR))

    world.loop.call_later(act.span_s, settle)


def _chat(world: "World", act: Act) -> None:
    user = int(act.who)
    if act.deed is Deed.DELETE:
        world.telegram.delete(user, world.messages.get(act.job, 0))
        return
    world.telegram.chat(user).blocked = act.deed is Deed.BLOCK
    if act.deed is Deed.RETURN:
        world.mail.send(act)


def _processes(world: "World", act: Act) -> None:
    for name in act.who.split():
        if not world.crew.hosts[name].dead:
            _process(world, act, world.crew.hosts[name])


def _process(world: "World", act: Act, host: Host) -> None:
    crew = world.crew
    match act.deed:
        case Deed.KILL:
            crew.kill(host, act.span_s)
        case Deed.STOP:
            host.start(crew.stop(host, act.span_s))
        case Deed.FREEZE:
            host.freeze(act.span_s)
            crew.disturb()
        case Deed.CUT:
            host.cut_until_s = world.loop.time() + act.span_s
            crew.disturb()
        case _:
            host.skew_ms += round(act.span_s * 1000)
            crew.skew_ms = max(crew.skew_ms, host.skew_ms)


def _store(world: "World", act: Act) -> None:
    if act.deed is Deed.OUTAGE:
        world.server.fall(act.span_s)
        if world.fate.number(act.id) < 0.5:
            world.server.flush()  # it was a restart: its scripts are gone
        world.crew.disturb()
    else:
        world.server.flush()


def _provider(world: "World", act: Act) -> None:
    provider, later = world.provider, world.loop.call_later
    if act.deed is Deed.EMPTY:
        provider.empty = True
        later(act.span_s, setattr, provider, "empty", False)
    elif act.deed is Deed.RETIRED:
        provider.retired = True
        later(act.span_s, setattr, provider, "retired", False)
    else:
        keys = act.who.split()
        provider.dead_keys.update(keys)
        later(act.span_s, provider.dead_keys.difference_update, keys)
