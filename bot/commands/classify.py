"""`reelstate classify`: verdicts for recorded error observations, JSON lines in and out."""

import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Never

import click

from states.classify import classify_kie_error, classify_telegram_error
from states.observations import answer, kie_failure, telegram_failure
from states.vocabulary import Verdict


class _NotReadable(click.ClickException):
    """The observations cannot be read: one sentence with the mend on stderr."""

    exit_code = 2


def _kie(row: Mapping[str, object]) -> Verdict:
    return classify_kie_error(kie_failure(row))


def _telegram(row: Mapping[str, object]) -> Verdict:
    return classify_telegram_error(telegram_failure(row))


_JUDGES: dict[str, Callable[[Mapping[str, object]], Verdict]] = {"kie": _kie, "telegram": _telegram}


@click.command("classify")
@click.option(
    "--provider", type=click.Choice(list(_JUDGES)), required=True, help="Whose errors the lines are."
)
@click.argument("file", metavar="FILE|-", type=str)
def classify(provider: str, file: str) -> None:
    """Print a verdict for each recorded error observation in FILE (JSON lines; `-` reads standard input).

    One JSON line each, in order: id, label, class, reason, rule, retry_after_s. The file may be gzipped.
    """
    name = "standard input" if file == "-" else file
    with _opened(file) as lines:
        # Answered line by line, so that a pipe sees each verdict as soon as its observation.
        for row in _rows(lines, name):
            click.echo(_line(answer(row.get("id"), _JUDGES[provider](row))))


@contextmanager
def _opened(file: str) -> Iterator[IO[str]]:
    """The lines of the file or of standard input, unpacked if they are gzipped."""
    with ExitStack() as stack:
        try:
            stream = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
            packed = isinstance(stream, io.BufferedReader) and stream.peek(2)[:2] == b"\x1f\x8b"
        except OSError as error:
            raise _NotReadable(
                f"Cannot read {file}: {error.strerror or error}. Give a file of JSON lines, or - for stdin."
            ) from error
        unpacked = stack.enter_context(gzip.GzipFile(fileobj=stream)) if packed else stream
        yield io.TextIOWrapper(unpacked, encoding="utf-8")


def _line(verdict: Mapping[str, object]) -> str:
    """The verdict as JSON; an id that holds half a character is written in escapes."""
    line = json.dumps(verdict, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(verdict)
    return line


def _rows(lines: Iterable[str], name: str) -> Iterable[Mapping[str, object]]:
    """The objects of the lines; blank lines are skipped. Raises _NotReadable (exit code 2) on others."""
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            text = line.strip("\ufeff \t\r\n")
            if text:
                yield _object(text, name, number)
    except UnicodeDecodeError as error:
        raise _NotReadable(f"{name}, line {number + 1}: not UTF-8 text. Save the file as UTF-8.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _NotReadable(
            f"{name}, line {number + 1}: the gzip data is torn. Fetch or pack the file again."
        ) from error
    except OSError as error:
        raise _NotReadable(
            f"{name}, line {number + 1}: reading stopped ({error.strerror or error}). Read the file again."
        ) from error


def _object(line: str, name: str, number: int) -> Mapping[str, object]:
    try:
        row = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _NotReadable(
            f"{name}, line {number}: not JSON ({_why(error)}). "
            "Write one JSON object a line, or remove the line."
        ) from error
    if not isinstance(row, dict):
        raise _NotReadable(
            f"{name}, line {number}: a JSON object is needed, this is a {type(row).__name__}. "
            "Write one observation a line in braces."
        )
    return row


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]


def _no_number(word: str) -> Never:
    raise ValueError(f"{word} is no JSON value")
