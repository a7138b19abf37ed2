"""Reports for machines and pages: JUnit XML and Markdown."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from engine.replay.values import Finding, Report, Verdict
from engine.replay.whatif import WhatIf

_UNJUDGED = (Verdict.TRUNCATED, Verdict.FOREIGN)


def junit(report: Report, name: str) -> str:
    """A JUnit test suite: a case for each finding, one more for everything that was the same."""
    failures = sum(1 for f in report.findings if f.verdict not in _UNJUDGED)
    errors = len(report.findings) - failures
    head = f"name={quoteattr(name)} tests={quoteattr(str(len(report.findings) + 1))}"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite {head} failures="{failures}" errors="{errors}">',
        f'  <testcase classname="replay" name="{report.jobs[Verdict.SAME]} jobs are the same"/>',
        *(line for finding in report.findings for line in _case(finding)),
        "</testsuite>",
    ]
    return "\n".join(lines) + "\n"


def _case(finding: Finding) -> Iterator[str]:
    tag = "error" if finding.verdict in _UNJUDGED else "failure"
    case = f"{finding.job or 'line'}-{finding.seq or finding.line}"
    body = escape("\n".join((finding.sentence(), *finding.why)))
    kind = f"{finding.verdict}/{finding.kind}"
    yield f'  <testcase classname="replay.{finding.verdict}" name={quoteattr(case)}>'
    yield f"    <{tag} type={quoteattr(kind)} message={quoteattr(finding.text)}>{body}</{tag}>"
    yield "  </testcase>"


def markdown(report: Report, name: str, answer: WhatIf | None = None, asked: str = "") -> str:
    """A report to paste into a review."""
    lines = [f"# Replay of {name}", ""]
    lines += [
        f"{report.records} records, {sum(report.jobs.values())} jobs, {report.open} of them unfinished.",
        "",
    ]
    lines += ["| verdict | jobs |", "|---|---:|"]
    lines += [f"| {verdict} | {report.jobs[verdict]} |" for verdict in Verdict if report.jobs[verdict]]
    if report.findings:
        lines += ["", "## Findings", ""]
        for finding in report.findings[:50]:
            lines.append(f"- {_plain(finding.sentence())}")
            lines += [f"  - {_plain(why)}" for why in finding.why]
        hidden = sum(report.kinds.values()) - min(50, len(report.findings))
        lines += [f"- and {hidden} more"] if hidden else []
    if answer is not None:
        lines += ["", *what_if_lines(answer, asked)]
    return "\n".join(lines) + "\n"


def what_if_lines(answer: WhatIf, asked: str) -> Iterator[str]:
    """The money table in Markdown, with the moves it comes from."""
    yield f"## What if {_plain(asked)}"
    yield ""
    yield f"{answer.moved} of {answer.jobs} jobs would have moved, {answer.retimed} waited otherwise."
    yield ""
    yield "| | recorded | what-if | Δ | undecided |"
    yield "|---|---:|---:|---:|---:|"
    for name, old, new, delta, open_ in answer.rows():
        yield f"| {name} | {old} | {new} | {delta:+d} | {open_ or ''} |"
    if answer.moves:
        yield ""
        yield "| recorded edge | instead | jobs |"
        yield "|---|---|---:|"
        for (old_edge, new_edge), count in answer.moves.most_common(20):
            yield f"| `{old_edge}` | `{new_edge}` | {count} |"


def _plain(text: str) -> str:
    """Text from a log must not become markup."""
    entities = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    escaped = (f"\\{sign}" if sign in "\\`*_[]|#" else entities.get(sign, sign) for sign in text)
    return "".join(escaped).replace("\n", " ")
