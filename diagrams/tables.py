"""The strategy as Markdown tables, in English and Russian. Rows that are treated alike share a line."""

from collections.abc import Callable, Iterator

from diagrams.words import Language
from states.graph import Graph
from states.strategy import Row
from states.vocabulary import AlertKind, Stage

_HEAD = {
    "en": ("reason", "class", "stage", "retries", "user is told", "operator", "credits"),
    "ru": ("причина", "класс", "этап", "повторы", "что знает пользователь", "оператор", "кредиты"),
}
_SAID: dict[str, dict[Language, str]] = {
    "both": {"en": "both", "ru": "оба"},
    "never": {"en": "never", "ru": "никогда"},
    "deadline": {"en": "until the deadline", "ru": "до срока задачи"},
    "video": {"en": "until the video expires", "ru": "пока хранится видео"},
    "at once": {"en": "at once", "ru": "сразу"},
    "after": {"en": "after the last retry", "ru": "после последнего повтора"},
    "at deadline": {"en": "at the deadline", "ru": "по истечении срока"},
    "at video": {"en": "when the video expires", "ru": "когда истечёт хранение видео"},
    "once": {"en": "once", "ru": "один раз"},
    "from": {"en": "from failure {n}", "ru": "со сбоя {n}"},
    "each": {"en": "each time", "ru": "каждый раз"},
    "end": {"en": "at the end", "ru": "в конце"},
    "back at once": {"en": "back at once", "ru": "сразу назад"},
    "back": {"en": "back when given up", "ru": "назад, когда сдались"},
}


def strategy_table(graph: Graph, language: Language = "en") -> str:
    """The policy as a Markdown table, followed by the numbers that bound every job."""
    head = _HEAD[language]
    lines = [_cells(head), "|" + "---|" * len(head)]
    lines += [_cells(_line(group, language)) for group in _groups(graph, _alike)]
    return "\n".join([*lines, "", bounds(graph, language)]) + "\n"


def full_table(graph: Graph) -> str:
    """One line a reason and stage, with the edges it draws."""
    head = ("stage", "reason", "class", "counted as", "retries", "user is told", "operator", "edges")
    lines = [_cells(head), "|" + "---|" * len(head)]
    for row in graph.strategy.rows:
        edges = " ".join(f"`{edge.id}`" for edge in graph.edges if edge.row is row)
        words = (f"`{row.reason}`", row.cls, f"`{row.counter}`", _retries(row, "en"), _told(row, "en"))
        lines.append(_cells((row.stage, *words, _operator(row, "en"), edges)))
    return "\n".join(lines) + "\n"


def bounds(graph: Graph, language: Language) -> str:
    """The numbers that bound every job, as a sentence."""
    policy = graph.strategy
    minutes, hours, patience = policy.deadline_s / 60, policy.video_life_s / 3600, policy.patience_s / 60
    if language == "ru":
        return (
            f"Для каждой задачи: не больше {policy.paid_tasks} оплаченных заданий провайдера, срок "
            f"{minutes:g} мин, готовое видео хранится {hours:g} ч, о задержке говорим через {patience:g} мин."
        )
    return (
        f"Every job: at most {policy.paid_tasks} paid provider tasks, {minutes:g} min to live; a finished "
        f"video is kept for {hours:g} h; the user hears of a delay after {patience:g} min."
    )


def _cells(words: tuple[str, ...]) -> str:
    return "| " + " | ".join(word.replace("|", r"\|") for word in words) + " |"


def _groups(graph: Graph, key: Callable[[Row], object]) -> Iterator[list[Row]]:
    groups: dict[object, list[Row]] = {}
    for row in graph.strategy.rows:
        groups.setdefault(key(row), []).append(row)
    yield from groups.values()


def _alike(row: Row) -> object:
    """Everything but the reason and the stage (whose budgets are counted apart)."""
    told = (row.told, row.told_from, row.ends, row.alert, row.alert_end)
    counter = row.counter.removeprefix(f"{row.stage}.")
    return (row.cls, counter, row.retries, row.delays_s, row.parks, *told)


def _line(rows: list[Row], language: Language) -> tuple[str, ...]:
    row, stages = rows[0], {r.stage for r in rows}
    stage = _SAID["both"][language] if len(stages) == len(Stage) else f"{row.stage}"
    reasons = ", ".join(_reasons(rows, both=len(stages) == len(Stage)))
    words = (_retries(row, language), _told(row, language), _operator(row, language))
    credit = _SAID["back at once" if row.retries == 0 else "back"][language]
    return (reasons, row.cls, stage, *words, credit)


def _reasons(rows: list[Row], *, both: bool) -> Iterator[str]:
    """The reasons once each; one that only a stage of the two knows says so."""
    for reason in dict.fromkeys(row.reason for row in rows):
        stages = [row.stage for row in rows if row.reason is reason]
        yield f"`{reason}` ({stages[0]})" if both and len(stages) == 1 else f"`{reason}`"


def _retries(row: Row, language: Language) -> str:
    if row.retries == 0:
        return _SAID["never"][language]
    delays = ", ".join(_delay(delay) for delay in row.delays_s)
    if row.retries is None:
        return f"{_SAID['video' if row.parks else 'deadline'][language]}: {delays}"
    return f"{row.retries} ({delays})"


def _delay(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds:g} s"


def _told(row: Row, language: Language) -> str:
    parts = []
    if row.told is not None:
        when = "once" if row.told_from == 1 else "from"
        parts.append(f"`{row.told}` {_SAID[when][language].format(n=row.told_from)}")
    when = "at once" if row.retries == 0 else "after"
    if row.retries is None:
        when = "at video" if row.parks else "at deadline"
    return "; ".join([*parts, f"`{row.ends}` {_SAID[when][language]}"])


def _operator(row: Row, language: Language) -> str:
    parts = []
    if row.alert is not None:
        when = "once" if row.alert is AlertKind.INCIDENT else "each"
        parts.append(f"`{row.alert}` {_SAID[when][language]}")
    if row.alert_end is not None:
        parts.append(f"`{row.alert_end}` {_SAID['end'][language]}")
    return "; ".join(parts) or "–"
