"""The root document of a decision: what its expressions can read."""

from __future__ import annotations

from datetime import datetime

from functions.documents import DocumentError, Json
from functions.errors import StoreRejectedError
from functions.events.event import Event
from functions.profiles.store import ProfileState, Snapshot
from functions.runtime.offers import past_offers
from functions.spec.plan import Plan
from functions.spec.projection import Projection
from functions.times import format_instant


def root_document(plan: Plan, event: Event, snapshot: Snapshot, *, now: datetime) -> dict[str, Json]:
    """Build the root document.

    Args:
        plan: Only what it reads of the profile is decoded.
        event: Seen as `event`; its time is `now`, so that features are the same at every replay.
        snapshot: Its profile is seen as `profile`, with the unexpired scores under `profile.scores`.
        now: Decision time, for the expiry of scores.
    """
    return {
        "event": event.as_document(),
        "profile": profile_document(plan.projection, snapshot, now=now),
        "now": format_instant(event.time),
    }


def profile_document(
    projection: Projection, snapshot: Snapshot, *, now: datetime, without: str = ""
) -> dict[str, Json]:
    """Return the profile with the scores that have not expired and what the customer got already.

    Args:
        projection: What is read of the profile.
        snapshot: The read; there may be no profile in it.
        now: Decision time, or that of the act.
        without: A decision whose own action is no past one.

    Raises:
        StoreRejectedError: What the store holds is no JSON object.
    """
    profile = _decoded(projection, snapshot.profile_json) if snapshot.profile_json is not None else {}
    scores = visible_scores(snapshot.state, now=now)
    if scores:
        upstream = profile.get("scores")
        profile["scores"] = {**(upstream if isinstance(upstream, dict) else {}), **scores}
    profile.update(past_offers(snapshot.state.contacts, now=now, without=without))
    return profile


def visible_scores(state: ProfileState, *, now: datetime) -> dict[str, Json]:
    """Return the unexpired scores as expressions see them: `{value, at, expires_at, model}` by name."""
    return {
        name: {
            "value": score.value,
            "at": format_instant(score.at),
            "expires_at": format_instant(score.expires_at) if score.expires_at else None,
            "model": score.model,
        }
        for name, score in state.scores.items()
        if score.expires_at is None or score.expires_at > now
    }


def _decoded(projection: Projection, text: bytes) -> dict[str, Json]:
    try:
        profile = projection.decode(text)
    except DocumentError:
        profile = None
    if not isinstance(profile, dict):
        raise StoreRejectedError("the stored profile is no JSON object")
    return profile
