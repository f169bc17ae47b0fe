"""A browser without a window, and what is asked of pages in it: what they measure, paint and print."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
POLICY = re.compile(r"<meta [^>]*Content-Security-Policy[^>]*>")


def browse(folder: Path, page: Path, *options: str) -> str:
    """Open a page, and return what the browser prints."""
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    profile = f"--user-data-dir={folder / 'browser'}"
    done = subprocess.run(
        [*command, profile, *options, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


@dataclass(frozen=True)
class Measures:
    """How a page comes out in a window of some width.

    Attributes:
        page: Its width, with what has to be moved sideways to be seen.
        sticking: Elements that end right of the window.
        moved: Tables that are wider than their place.
        broken: Words of up to 16 letters that are broken within.
        colours: Of each text, with what is painted under it.
    """

    page: int
    sticking: tuple[str, ...]
    moved: tuple[str, ...]
    broken: tuple[str, ...]
    colours: tuple[tuple[str, str], ...]


_SCRIPT = r"""
const all = [...document.body.querySelectorAll('*')], told = e => e.tagName + ' ' + e.textContent.slice(0, 60);
const words = [], colours = {};
const under = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (c !== 'rgba(0, 0, 0, 0)') return c; } return 'rgb(255, 255, 255)'; };
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node; node = walk.nextNode();) {
  const parent = node.parentElement, range = document.createRange();
  if (parent.tagName === 'SCRIPT' || !node.data.trim()) continue;
  colours[JSON.stringify([getComputedStyle(parent).color, under(parent)])] = 1;
  for (const found of node.data.matchAll(/[A-Za-z0-9]{2,}/g)) {
    range.setStart(node, found.index); range.setEnd(node, found.index + found[0].length);
    if (found[0].length <= 16 && new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1)
      words.push(found[0]);
  }
  for (const cell of document.querySelectorAll('td')) {
    const head = getComputedStyle(cell, '::before');
    if (head.content !== 'none') colours[JSON.stringify([head.color, under(cell)])] = 1;
  }
}
parent.postMessage([NAME, { page: document.documentElement.scrollWidth,
  sticking: all.filter(e => !e.closest('.wide') && e.getBoundingClientRect().right > innerWidth + .5).map(told),
  moved: all.filter(e => e.scrollWidth > e.clientWidth && e.clientWidth && e.matches('.wide')).map(told),
  broken: words, colours: Object.keys(colours).map(JSON.parse) }], '*');
"""

_LISTENER = """<!doctype html><body><script>
const found = {};
onmessage = m => { found[m.data[0]] = m.data[1]; document.title = JSON.stringify(found); };
</script>
"""


def measured(
    folder: Path, pages: Sequence[Path], widths: Sequence[int], *, paper: int
) -> dict[tuple[str, int], Measures]:
    """Measure copies of pages, which may run a script, in frames: a window is never narrower than 500 pixels.

    Args:
        folder: Where the copies are put.
        pages: The pages.
        widths: Of the frames, in CSS pixels.
        paper: One of them, in which a page is shown as it is printed.
    """
    frames = _LISTENER
    for page in pages:
        text = POLICY.sub("", page.read_text())
        for width in widths:
            name = f"{page.stem}@{width}"
            script = f"<script>{_SCRIPT.replace('NAME', json.dumps(name))}</script></body>"
            shown = text.replace("</body>", script)
            if width == paper:
                shown = shown.replace("@media print", "@media all").replace("@media screen", "@media print")
            (folder / f"{name}.html").write_text(shown)
            frames += f'<iframe style="border:0" width="{width}" height="900" src="{name}.html"></iframe>\n'
    (folder / "frames.html").write_text(frames)
    dump = browse(folder, folder / "frames.html", "--virtual-time-budget=20000", "--dump-dom")
    title = re.search(r"<title>(.*?)</title>", dump, re.DOTALL)
    assert title is not None
    found = json.loads(re.sub(r"&(amp|lt|gt);", lambda m: {"amp": "&", "lt": "<", "gt": ">"}[m[1]], title[1]))
    return {
        (name.partition("@")[0], int(name.partition("@")[2])): Measures(
            one["page"],
            tuple(one["sticking"]),
            tuple(one["moved"]),
            tuple(one["broken"]),
            tuple((text, ground) for text, ground in one["colours"]),
        )
        for name, one in found.items()
    }


def contrast(text: str, ground: str) -> float:
    """Return the contrast of two colours as a browser writes them, from 1 to 21.

    Source: WCAG 2.2, the definitions of contrast ratio and relative luminance.
    """
    high, low = sorted((_luminance(text), _luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    found = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert found is not None, f"{colour}: what is seen through can't be judged"
    parts = [int(one) / 255 for one in found.groups()]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def pixels(data: bytes) -> list[list[bytes]]:
    """Decode a PNG of 8 bits a channel into the pixels of each row."""
    width, _, depth, kind = struct.unpack(">IIBB", data[16:26])
    size = {2: 3, 6: 4}[kind]
    assert depth == 8
    packed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    raw, line = zlib.decompress(packed), width * size
    rows, above = list[list[bytes]](), bytearray(line)
    for start in range(0, len(raw), line + 1):
        above = _unfiltered(raw[start], raw[start + 1 : start + 1 + line], above, size)
        rows.append([bytes(above[x : x + size]) for x in range(0, line, size)])
    return rows


def _unfiltered(how: int, row: bytes, above: bytearray, size: int) -> bytearray:
    """Undo the filter of a row.

    Source: PNG (Third Edition), 9.2.
    """
    out = bytearray(row)
    if how == 0:
        return out
    for x in range(len(out)):
        left, corner = (out[x - size], above[x - size]) if x >= size else (0, 0)
        up = above[x]
        guess = left + up - corner
        nearest = min(
            (abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner)
        )
        out[x] = (out[x] + (0, left, up, (left + up) // 2, nearest[2])[how]) & 255
    return out


@dataclass(frozen=True)
class Part:
    """A part of a printed page: its kind, on which sheets it stands, and what it holds."""

    kind: str
    sheets: frozenset[int]
    parts: tuple[Part, ...]

    def walk(self) -> Iterator[Part]:
        yield self
        for one in self.parts:
            yield from one.walk()


@dataclass(frozen=True)
class Print:
    """What a PDF of the browser says of itself: how many sheets, its headings, and its parts."""

    sheets: int
    headings: frozenset[str]
    whole: Part

    def walk(self) -> Iterator[Part]:
        return self.whole.walk()


def printed(folder: Path, page: Path) -> Print:
    """Print a page; the browser writes which part of it stands on which sheet."""
    target = folder / f"{page.stem}.pdf"
    options = ("--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={target}")
    browse(folder, page, *options)
    text = target.read_bytes().decode("latin-1")
    objects = {int(one[1]): one[2] for one in re.finditer(r"(\d+) 0 obj\n(.*?)\nendobj", text, re.DOTALL)}
    tree = next(body for body in objects.values() if "/Type /Pages" in body)
    sheets = [int(one) for one in re.findall(r"(\d+) 0 R", tree.partition("/Kids")[2])]
    root = next(body for body in objects.values() if "/Type /StructTreeRoot" in body)
    top = re.search(r"/K (?:\[)?(\d+) 0 R", root)
    assert top is not None
    titles = re.findall(r"<</Title \((.*?)\)\n", text)
    return Print(len(sheets), frozenset(titles), _part(int(top[1]), objects, sheets))


def _part(number: int, objects: dict[int, Any], sheets: list[int]) -> Part:
    body = objects[number]
    kind = re.search(r"/S /(\w+)", body)
    assert kind is not None, body
    kids = body.partition("/K ")[2]
    inside = re.sub(r"/\w+ \d+ 0 R", "", kids)
    parts = tuple(_part(int(one), objects, sheets) for one in re.findall(r"(\d+) 0 R", inside))
    own = {int(one) for one in re.findall(r"/Pg (\d+) 0 R", kids)}
    if re.match(r"\[?\d+(?! 0 R)", kids):
        own |= {int(one) for one in re.findall(r"/Pg (\d+) 0 R", body.partition("/K ")[0])}
    found = {sheets.index(one) for one in own}.union(*(one.sheets for one in parts))
    return Part(kind[1], frozenset(found), parts)
