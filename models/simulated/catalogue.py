"""The catalogue of next-titles: declared by hand, not trained."""

from __future__ import annotations

from typing import Any

from functions.testing.profile_lives import FILMS, GENRES

URL = "https://ranking.media.example/v1/rank"

OWN = 3.0
"""Weight of the share of a film's own genre."""

NEAR = {
    "drama": {"documentary": 0.9, "thriller": 0.5},
    "comedy": {"drama": 0.6},
    "thriller": {"drama": 0.7, "science-fiction": 0.7},
    "documentary": {"drama": 0.8},
    "science-fiction": {"thriller": 1.0, "documentary": 0.3},
}
"""Weight of the share of another genre, by the genre of the film."""

MINUTES = 100
LATE = -0.015
"""Late in the evening, each minute over a hundred costs so much, and each one under it earns as much."""

BIAS = -1.2


def feature_name(genre: str) -> str:
    """Return the name of a genre's feature, which takes no dash."""
    return genre.replace("-", "_")


def catalogue_artefact(day: str) -> dict[str, Any]:
    """Return the document of the model."""
    shares = [
        {
            "name": feature_name(genre),
            "unit": "share",
            "meaning": f"share of {genre} in the minutes watched in half a year",
            "range": [0, 1],
        }
        for genre in GENRES
    ]
    late = {"name": "late", "unit": "0 or 1", "meaning": "1 from nine in the evening on", "range": [0, 1]}
    head = {"format": "functions-model/1", "name": "next-titles", "version": day, "kind": "ranking"}
    return {**head, "stands_in_for": URL, "max_items": 10, "features": [*shares, late],
            "items": [_item(position, *film) for position, film in enumerate(FILMS)]}  # fmt: skip


def _item(position: int, film: str, title: str, genre: str, minutes: int) -> dict[str, Any]:
    weights = {
        feature_name(genre): OWN,
        **{feature_name(near): weight for near, weight in NEAR[genre].items()},
    }
    late = round(LATE * (minutes - MINUTES), 4)
    # Each film differs a little from the next of its genre, so that the order is no accident of the file.
    return {
        "id": film,
        "title": title,
        "bias": round(BIAS - 0.05 * (position % 5), 4),
        "weights": {**weights, "late": late},
    }
