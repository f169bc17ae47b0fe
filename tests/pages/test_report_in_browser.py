"""The report in a real browser: it is read on a phone and on paper, and nothing is asked of a network."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from functions.cli.report import write_report
from functions.cli.review import function_page
from functions.documents import Json
from functions.governance.contract import DataContract
from functions.spec.loading import load_folder
from functions.spec.registry import Registry
from functions.testing.sample_function import REGISTRY, SPEC, a_plan
from tests.pages.browser import (
    BROWSER,
    POLICY,
    Measures,
    Part,
    Print,
    browse,
    contrast,
    measured,
    pixels,
    printed,
)

SPECS = Path(__file__).parents[2] / "feature_specs"
HARD = "hard"
PAGES = (
    "index",
    "churn-retention",
    "footwear-offer",
    "saas-account-health",
    "vip-cart-abandonment",
    "watch-next",
    HARD,
)
PHONE, PAPER, TABLET, DESKTOP = 390, 672, 800, 1280
"""Widths in CSS pixels; `PAPER` is A4 without its margins, and shows what is printed."""
SECTIONS = {
    "What fires it",
    "What it reads",
    "What it computes",
    "What leaves, and to whom",
    "What may happen",
    "How long it is kept",
}

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


def hard_page() -> str:
    """Return a page with everything that is long, guarded or an exception."""
    contract: dict[str, Json] = {
        "profile": {
            "orders": {"label": "transactional"},
            "last_order_at": {"label": "transactional"},
            "health": {"label": "sensitive"},
            "x" * 90: {"label": "behavioral"},
        },
        "purposes": {
            "retention": {"consent": "marketing", "may_read": ["behavioral", "transactional", "derived"]}
        },
    }
    features: dict[str, Json] = {
        "orders": SPEC["features"]["orders"],
        "condition_of_" + "the_customer_" * 3: {
            "from": f"profile.health.note || profile.{'x' * 90}", "type": "string", "missing": "none",
            "wrong_type": "none",
        },
    }  # fmt: skip
    plan = a_plan(
        REGISTRY,
        contract,
        description="W" * 300,
        owner="o" * 60,
        features=features,
        model={**SPEC["model"], "endpoint": "m" * 60},
        exceptions=[
            {"reads": "profile.health.note", "because": "Agreed with the council.", "reviewed_by": "Ada P."}
        ],
    )
    registry = Registry.model_validate(dict(REGISTRY))
    return function_page(plan, DataContract.model_validate(contract), registry)


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(load_folder(SPECS), folder)
    (folder / f"{HARD}.html").write_text(hard_page())
    return folder


@pytest.fixture(scope="session")
def measures(report: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Measures]:
    pages = [report / f"{name}.html" for name in PAGES]
    return measured(tmp_path_factory.mktemp("measures"), pages, (PHONE, TABLET, PAPER, DESKTOP), paper=PAPER)


@pytest.mark.parametrize("width", [PHONE, TABLET, PAPER, DESKTOP])
@pytest.mark.parametrize("name", PAGES)
def test_everything_is_seen_without_moving_anything_sideways(
    measures: dict[tuple[str, int], Measures], name: str, width: int
) -> None:
    found = measures[name, width]
    assert found.page <= width
    assert (found.sticking, found.moved) == ((), ())


@pytest.mark.parametrize("width", [PHONE, TABLET, PAPER, DESKTOP])
@pytest.mark.parametrize("name", PAGES)
def test_words_are_broken_between_and_not_within(
    measures: dict[tuple[str, int], Measures], name: str, width: int
) -> None:
    assert measures[name, width].broken == ()


@pytest.mark.parametrize("name", PAGES)
def test_every_text_stands_out_from_what_is_under_it(
    measures: dict[tuple[str, int], Measures], name: str
) -> None:
    used = {pair for width in (PHONE, DESKTOP) for pair in measures[name, width].colours}
    assert len(used) >= 3
    assert {pair: contrast(*pair) for pair in used if contrast(*pair) < 4.5} == {}


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(119, 119, 119)", "rgb(255, 255, 255)") == pytest.approx(4.48, abs=0.01)


def test_a_page_paints_text_from_top_to_bottom(report: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.png"
    browse(tmp_path, report / "churn-retention.html", "--window-size=500,900", f"--screenshot={target}")
    rows = pixels(target.read_bytes())
    assert (len(rows), {len(row) for row in rows}) == (900, {500})
    assert len({pixel for row in rows for pixel in row}) > 20
    for band in (rows[at : at + 300] for at in range(0, 900, 300)):
        written = [row for row in band if len(set(row)) > 5]
        assert len(written) > 60
        assert any(len(set(row)) == 1 for row in band)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_whole_with_no_row_and_no_heading_cut_off(
    report: Path, tmp_path: Path, name: str
) -> None:
    page = report / f"{name}.html"
    found = printed(tmp_path, page)
    assert 1 <= found.sheets <= 5
    text = page.read_text()
    titles = set(re.findall(r"<h[12]>(.*?)</h[12]>", text))
    assert titles <= found.headings
    assert titles >= (SECTIONS if name != "index" else {"Functions", "Purposes", "What always holds"})
    tables = [rows_of(one) for one in found.walk() if one.kind == "Table"]
    assert sum(map(len, tables)) == text.count("<tr>")
    for head, *rows in tables:
        assert [len(row) for row in rows] == [1] * len(rows)
        assert head == frozenset[int]().union(*rows)
    assert parted_headings(found) == []


def rows_of(table: Part) -> list[frozenset[int]]:
    """The sheets of each row; that of the heads is the first, and stands on every sheet that the table is on."""
    return [one.sheets for one in table.walk() if one.kind == "TR"]


def parted_headings(found: Print) -> list[frozenset[int]]:
    """Headings that end a sheet, or do but for a line: what they are about begins on the next."""
    parted = []
    for whole in found.walk():
        shown = [one for one in whole.parts if one.sheets]
        for index, (head, after) in enumerate(pairwise(shown)):
            last = shown[index + 2] if after.kind == "P" and len(shown) > index + 2 else after
            if head.kind == "H2" and max(head.sheets) != min(last.sheets):
                parted.append(head.sheets)
    return parted


class _Listening(BaseHTTPRequestHandler):
    """Counts what it is asked for."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the standard library
        """Say nothing."""


def test_even_markup_that_would_ask_a_network_asks_nobody(report: Path, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Listening) as server:
        server.asked = asked = list[str]()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_port}"
        asking = (
            f'<img src="{there}/i.png"><script src="{there}/s.js"></script><iframe src="{there}/f"></iframe>'
            f'<style>@import "{there}/c.css"; body {{ background: url({there}/b.png) }}</style></body>'
        )
        text = (report / "churn-retention.html").read_text().replace("</body>", asking)
        page = tmp_path / "page.html"
        page.write_text(text)
        browse(tmp_path, page, "--virtual-time-budget=5000", "--dump-dom")
        assert asked == []
        page.write_text(POLICY.sub("", text))
        browse(tmp_path, page, "--virtual-time-budget=5000", "--dump-dom")
        assert {"/i.png", "/s.js", "/f", "/c.css"} <= set(asked)
        server.shutdown()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_no_address_that_it_would_load(report: Path, name: str) -> None:
    text = (report / f"{name}.html").read_text()
    assert "default-src 'none'" in text
    assert re.findall(r'(?:src|href|action|data)="(?!\w[\w-]*\.html")[^"]*"', text) == []
    assert re.findall(r"url\(|@import|@font-face", text) == []
