"""HTML pages as trees: what is put in is text, so nothing of it can become markup. No scripts, no requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element, tostring

Content = str | Element

STYLE: Final = """
:root { --ink: #1c2733; --soft: #5c6b7a; --line: #d8dee5; --paper: #ffffff; --tint: #f4f6f8; --warn: #8a4b00;
  --warn-tint: #fff4e5; --accent: #0b5c8a; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 2rem 4rem; max-width: 62rem; overflow-wrap: break-word;
  color: var(--ink); background: var(--paper);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--line); }
p { margin: .5rem 0; max-width: 48rem; }
.lead { font-size: 1.1rem; color: var(--soft); margin-bottom: 1.2rem; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 1rem 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .8rem 0; font-size: .94rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .7rem .45rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; font-size: .85rem; }
code, pre { font: .88em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
pre { background: var(--tint); padding: .8rem 1rem; border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.label { display: inline-block; padding: 0 .5rem; margin: 0 .3rem .2rem 0; border-radius: 999px; font-size: .82rem;
  background: var(--tint); border: 1px solid var(--line); white-space: nowrap; }
.guarded { background: var(--warn-tint); border-color: var(--warn); color: var(--warn); }
.note { border-left: 4px solid var(--warn); background: var(--warn-tint); padding: .6rem 1rem; max-width: none; }
.soft { color: var(--soft); } a { color: var(--accent); } ul { padding-left: 1.2rem; }
footer { margin-top: 3rem; padding-top: .8rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
@media screen and (max-width: 48rem) {
  body { padding: 1.2rem 1rem 3rem; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: .5rem; }
  .many thead { display: none; } .many table, .many tbody, .many tr, .many td { display: block; }
  .many tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  .many td { position: relative; min-height: 1.6em; padding: .1rem 0 .1rem 8.5rem; border: 0; }
  .many td::before { content: attr(data-head); position: absolute; left: 0; width: 8rem; color: var(--soft);
    font-size: .85rem; }
}
@media print {
  .wide { overflow: visible; }
  @page { size: A4; margin: 16mm; }
  body { padding: 0; max-width: none; font-size: 10.5pt; } table { font-size: 9pt; } .label { font-size: 7.5pt; }
  h2, h2 + p { break-after: avoid; } tr, pre, .note { break-inside: avoid; } thead { display: table-header-group; }
  nav { display: none; } a { color: inherit; text-decoration: none; }
}
"""


def tag(name: str, /, *content: Content, **attributes: str) -> Element:
    """Return an element.

    Args:
        name: Of the tag.
        content: Texts and elements, in order.
        attributes: A trailing `_` keeps a name from being a keyword: `class_`.
    """
    element = Element(name, {key.rstrip("_"): value for key, value in attributes.items()})
    last: Element | None = None
    for part in content:
        if isinstance(part, Element):
            element.append(part)
            last = part
        elif last is None:
            element.text = (element.text or "") + part
        else:
            last.tail = (last.tail or "") + part
    return element


def code(text: str) -> Element:
    """Return a piece of code in a line; what does not fit is broken between its words and not within one."""
    return tag("code", *_breakable(text, _IN_CODE))


def joined(parts: Iterable[Content], between: str = ", ") -> list[Content]:
    """Return contents with a text between each two."""
    found: list[Content] = []
    for part in parts:
        found += [between, part] if found else [part]
    return found


def table(heads: Sequence[str], rows: Iterable[Sequence[Content | Sequence[Content]]]) -> Element:
    """Return a table; a cell is a text, an element, or several of them."""
    head = tag("thead", tag("tr", *(tag("th", text, scope="col") for text in heads)))
    body = tag("tbody", *(tag("tr", *map(_cell, heads, row)) for row in rows))
    # On a narrow screen the cells of a row stand below each other, each with its head; what is still too wide is
    # moved sideways by itself, not with the page.
    return tag("div", tag("table", head, body), class_="wide many" if len(heads) > _FEW else "wide")


def facts(pairs: Iterable[tuple[str, Content | Sequence[Content]]]) -> Element:
    """Return terms with what they are."""
    parts: list[Content] = []
    for term, what in pairs:
        parts += [tag("dt", term), tag("dd", *_contents(what))]
    return tag("dl", *parts, class_="facts")


def page(title: str, *body: Content) -> str:
    """Return a whole page as text."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # A page that is sent around asks nobody for anything.
        tag("meta", **{"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        tag("title", title),
        tag("style", STYLE),
    )
    document = tag("html", head, tag("body", *body), lang="en")
    return "<!doctype html>\n" + tostring(document, encoding="unicode", method="html") + "\n"


_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_LONG: Final = r"(?<=[A-Za-z0-9]{16})(?=[A-Za-z0-9])"
_IN_TEXT: Final = re.compile(_LONG)
_IN_CODE: Final = re.compile(rf"(?<=[./(\[|])(?=[A-Za-z?])|(?<=_)(?=\w)|{_LONG}")
"""Where a line may be broken besides blanks and hyphens; a very long word would widen its column for ever."""
_FEW: Final = 2
"""Columns that stand beside each other on a phone too."""


def _cell(head: str, cell: Content | Sequence[Content]) -> Element:
    parts: list[Content] = []
    for one in _contents(cell):
        parts += [one] if isinstance(one, Element) else _breakable(one, _IN_TEXT)
    return tag("td", *parts, **{"data-head": head})


def _breakable(text: str, where: re.Pattern[str]) -> list[Content]:
    first, *more = where.split(text)
    return [first, *(part for word in more for part in (tag("wbr"), word))]


def _contents(what: Content | Sequence[Content]) -> Sequence[Content]:
    return [what] if isinstance(what, str | Element) else what
