import pytest

from adapters.sandbox.telegram_entities import EntityError, Formatted, format_text, parse_html, utf16_len


def spans(formatted: Formatted) -> list[tuple[str, int, int]]:
    return [(e["type"], e["offset"], e["length"]) for e in formatted.entities]


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("plain", "plain", []),
        ("<b>a</b><i>b</i>", "ab", [("bold", 0, 1), ("italic", 1, 1)]),
        ("🎬 <b>я</b>", "🎬 я", [("bold", 3, 1)]),
        ("<b>a <i>b</i></b>", "a b", [("bold", 0, 3), ("italic", 2, 1)]),
        ("&lt;b&gt; &amp; &quot;x&quot; &#8212; &nbsp;", '<b> & "x" — &nbsp;', []),
        ("  <code>x</code>  ", "x", [("code", 0, 1)]),
        ("<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", 0, 1)]),
        ('<span class="tg-spoiler">s</span>', "s", [("spoiler", 0, 1)]),
        ("<b></b>x", "x", []),
        (
            "see https://x.y/z. Or /start",
            "see https://x.y/z. Or /start",
            [("url", 4, 13), ("bot_command", 22, 6)],
        ),
        ("<code>/start</code>", "/start", [("code", 0, 6)]),
    ],
)
def test_html_becomes_text_and_entities(source: str, text: str, entities: list[tuple[str, int, int]]) -> None:
    formatted = format_text(source, "HTML")
    assert formatted.text == text
    assert spans(formatted) == entities


def test_links_and_languages_are_kept() -> None:
    link = parse_html('<a href="https://x.y/?a=1&amp;b=2">go</a>').entities[0]
    assert link == {"type": "text_link", "offset": 0, "length": 2, "url": "https://x.y/?a=1&b=2"}
    pre = parse_html('<pre><code class="language-python">x = 1</code></pre>').entities
    assert pre == ({"type": "pre", "offset": 0, "length": 5, "language": "python"},)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("я<x>y</x>", 'Unsupported start tag "x" at byte offset 2'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<b x", "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_broken_html_is_refused_in_tds_words(source: str, sentence: str) -> None:
    with pytest.raises(EntityError) as caught:
        parse_html(source)
    assert str(caught.value) == sentence


def test_other_modes_are_not_spoken() -> None:
    with pytest.raises(EntityError):
        format_text("*x*", "MarkdownV2")
    assert utf16_len("я🎬") == 3
