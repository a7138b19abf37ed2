"""Reads the files of the Lua verbs: their headers, their arguments, and the shared parts they include."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from engine.errors import ScriptBroken
from engine.scripts import SHEBANG, Argument, Library, Verb

_ARGUMENT = re.compile(r"^([a-z][a-z0-9_]*)(:int\?|:int|:flag|\*)?$")
_INCLUDE = re.compile(r"^--@include\s+(\S+)\s*$")


def parse_verb(name: str, sources: Mapping[str, str]) -> Verb:
    """Read `verbs/<name>.lua` out of `sources` (path → text); ScriptBroken names the file and the mend."""
    path = f"verbs/{name}.lua"
    lines = sources[path].splitlines()
    if not lines or not lines[0].startswith(SHEBANG):
        raise ScriptBroken(f"{path}: the first line must be `{SHEBANG}`")
    header = _header(path, lines)
    if header["KEYS"] != "prefix":
        raise ScriptBroken(f"{path}: `-- KEYS: prefix` is the only key of a verb")
    includes: dict[str, str] = {}
    _resolve(path, sources, includes, ())
    arguments = _arguments(path, header["ARGV"])
    return Verb(
        name=name,
        purpose=header["purpose"],
        arguments=arguments,
        returns=header["Returns"],
        flags=lines[0].removeprefix(SHEBANG).strip().removeprefix("flags="),
        body=_body(sources[path]),
        includes=tuple((p, t) for p, t in includes.items() if p != path),
    )


def _header(path: str, lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {"purpose": ""}
    word = "purpose"
    for line in lines[1:]:
        if not line.startswith("-- "):
            break
        text = line.removeprefix("-- ").strip()
        label = re.match(r"^(KEYS|ARGV|Returns):\s*(.*)$", text)
        if label:
            word = label[1]
            found[word] = label[2]
        else:
            found[word] = f"{found[word]} {text}".strip()
    for word in ("purpose", "KEYS", "ARGV", "Returns"):
        if word not in found or not (found[word] or word == "ARGV"):
            raise ScriptBroken(f"{path}: the header says nothing of {word}")
    return found


def _arguments(path: str, text: str) -> tuple[Argument, ...]:
    made: list[Argument] = []
    for word in text.split():
        match = _ARGUMENT.match(word)
        if match is None:
            raise ScriptBroken(f"{path}: cannot read the argument {word!r}")
        kind = {None: "text", "*": "rest"}.get(match[2]) or match[2].removeprefix(":")
        made.append(Argument(match[1], kind))
    names = [argument.name for argument in made]
    if len(set(names)) != len(names):
        raise ScriptBroken(f"{path}: an argument is named twice")
    if any(argument.kind == "rest" for argument in made[:-1]):
        raise ScriptBroken(f"{path}: only the last argument may take the rest")
    return tuple(made)


def _resolve(path: str, sources: Mapping[str, str], done: dict[str, str], above: tuple[str, ...]) -> None:
    """Depth first, so that a part stands before those that use it."""
    if path in above:
        raise ScriptBroken(f"{path}: included in a circle: {' → '.join([*above, path])}")
    if path not in sources:
        raise ScriptBroken(f"{above[-1]}: includes {path}, which does not exist")
    wanted = [m[1] for line in sources[path].splitlines() if (m := _INCLUDE.match(line))]
    if len(set(wanted)) != len(wanted):
        raise ScriptBroken(f"{path}: includes the same part twice")
    for part in wanted:
        if part not in done:
            _resolve(part, sources, done, (*above, path))
    done[path] = _body(sources[path])


def _body(text: str) -> str:
    """The code without header, includes and whole-line comments: less to send and to hash."""
    kept = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--")]
    return "\n".join(line for line in kept if not line.startswith(SHEBANG))


def parse_library(sources: Mapping[str, str]) -> Library:
    """All `verbs/*.lua` of `sources` (path → text)."""
    names = sorted(p.removeprefix("verbs/").removesuffix(".lua") for p in sources if p.startswith("verbs/"))
    verbs = {name: parse_verb(name, sources) for name in names}
    return Library(verbs)


def read_sources() -> dict[str, str]:
    """The Lua files of this package, path → text."""
    root = files("engine") / "lua"
    return {
        f"{folder}/{entry.name}": entry.read_text(encoding="utf-8")
        for folder in ("lib", "verbs")
        for entry in (root / folder).iterdir()
        if entry.name.endswith(".lua")
    }


@cache
def library() -> Library:
    """The engine's own verbs, read once a process."""
    return parse_library(read_sources())
