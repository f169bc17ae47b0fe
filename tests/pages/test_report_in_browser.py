"""The report in a real browser: nothing sticks out, nothing is asked of a network, and it prints."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from functions.cli.report import write_report
from functions.spec.loading import load_folder

SPECS = Path(__file__).parents[2] / "feature_specs"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = (
    "index",
    "churn-retention",
    "footwear-offer",
    "saas-account-health",
    "vip-cart-abandonment",
    "watch-next",
)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(load_folder(SPECS), folder)
    return folder


def browse(folder: Path, page: Path, *options: str) -> str:
    """Open a page without a window, and return what the browser prints."""
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    profile = f"--user-data-dir={folder / 'browser'}"
    done = subprocess.run(
        [*command, profile, *options, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


@pytest.mark.parametrize("width", [1100, 520])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out_of_a_page(report: Path, tmp_path: Path, name: str, width: int) -> None:
    text = (report / f"{name}.html").read_text()
    # A copy that may run one line of script, to tell how wide it is.
    asked = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace(
        "</body>", "<script>document.title = document.documentElement.scrollWidth</script></body>"
    )
    copy = tmp_path / "page.html"
    copy.write_text(asked)
    found = re.search(
        r"<title>(\d+)</title>", browse(tmp_path, copy, f"--window-size={width},900", "--dump-dom")
    )
    assert found is not None
    assert int(found.group(1)) <= width


def test_a_page_shows_something_on_white(report: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.png"
    browse(tmp_path, report / "churn-retention.html", "--window-size=1100,1600", f"--screenshot={target}")
    width, height, shades = _png(target.read_bytes())
    assert (width, height) == (1100, 1600)
    assert len(shades) > 20


def test_the_index_prints_on_paper(report: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.pdf"
    browse(tmp_path, report / "index.html", f"--print-to-pdf={target}", "--no-pdf-header-footer")
    pages = len(re.findall(rb"/Type\s*/Page\b", target.read_bytes()))
    assert 1 <= pages <= 3


def _png(data: bytes) -> tuple[int, int, set[int]]:
    """Return width, height and the byte values of the image data of a PNG."""
    width, height = struct.unpack(">II", data[16:24])
    packed, at = b"", 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += 12 + size
    return width, height, set(zlib.decompress(packed))
