"""`reelstate classify`: verdicts for recorded error observations, JSON lines in and out."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import IO

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

    One JSON line each, in order: id, label, class, reason, rule, retry_after_s.
    """
    try:
        with click.open_file(file, encoding="utf-8") as lines:
            _stream(lines, "standard input" if file == "-" else file, _JUDGES[provider])
    except OSError as error:
        raise _NotReadable(
            f"Cannot read {file}: {error.strerror or error}. Give a file of JSON lines, or - for stdin."
        ) from error


def _stream(lines: IO[str], name: str, judge: Callable[[Mapping[str, object]], Verdict]) -> None:
    """Answer line by line, so that a pipe sees each verdict as soon as its observation."""
    for row in _rows(lines, name):
        click.echo(json.dumps(answer(row.get("id"), judge(row)), ensure_ascii=False))


def _rows(lines: Iterable[str], name: str) -> Iterable[Mapping[str, object]]:
    """The objects of the lines; blank lines are skipped. Raises _NotReadable (exit code 2) on others."""
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _object(line, name, number)
    except UnicodeDecodeError as error:
        raise _NotReadable(f"{name}, line {number + 1}: not UTF-8 text. Save the file as UTF-8.") from error


def _object(line: str, name: str, number: int) -> Mapping[str, object]:
    try:
        row = json.loads(line.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise _NotReadable(
            f"{name}, line {number}: not JSON ({why}). Write one JSON object a line, or remove the line."
        ) from error
    if not isinstance(row, dict):
        raise _NotReadable(
            f"{name}, line {number}: a JSON object is needed, this is a {type(row).__name__}. "
            "Write one observation a line in braces."
        )
    return row
