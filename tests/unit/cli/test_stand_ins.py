"""A model of the folder that answers for a URL: it is named, once, beside the receipt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]

ROOT = Path(__file__).parents[3]
NOTE = (
    "note: https://ranking.media.example/v1/rank was not called: the model next-titles of "
    f"{ROOT / 'models'} stands in for it here\n"
)


@pytest.fixture
def film(project: Path) -> Path:
    """The end of a film, in a project that has a function for it."""
    shutil.copy(ROOT / "feature_specs" / "watch-next.yaml", project / "feature_specs")
    return project / "events" / "film-ended.json"


@pytest.mark.usefixtures("samples")
def test_the_stand_in_of_a_url_is_named_beside_the_receipt(functions: Command, film: Path) -> None:
    done = functions("invoke", "watch-next", "--event", film, "--json")

    assert (json.loads(done.stdout)["outcome"], done.stderr) == ("acted", NOTE)


@pytest.mark.usefixtures("samples", "film")
def test_it_is_named_once_for_many_events(functions: Command) -> None:
    event = {
        "name": "video_complete",
        "time": "2026-11-03T05:40:00Z",
        "user_id": "viewer-0301",
        "properties": {"content_type": "film", "title_id": "winter-orchard"},
    }
    records = [
        {
            "eventSource": "aws:sqs",
            "messageId": f"m-{number}",
            "body": json.dumps({**event, "id": f"e-{number}"}),
        }
        for number in range(3)
    ]
    done = functions("invoke", "watch-next", "--event", "-", "--json", stdin=json.dumps({"Records": records}))

    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["acted"] * 3
    assert done.stderr == NOTE


@pytest.mark.usefixtures("samples")
def test_nothing_is_said_where_no_url_is_called(functions: Command, project: Path) -> None:
    done = functions("invoke", "churn-retention", "--event", project / "events" / "cancellation-page.json")

    assert (done.returncode, done.stderr) == (0, "")
