"""From a document of any envelope to what is kept: record by record, each with a fate of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from functions.documents import Json
from functions.errors import (
    EventError,
    EventFromFutureError,
    EventMalformedError,
    FunctionsError,
    ProfileStoreError,
    StoreRejectedError,
)
from functions.events.envelopes import Delivery, Refusal, Vet, unwrap_each
from functions.governance.statements import ConsentSources
from functions.ingest.changes import Changes, read_changes
from functions.profiles.merging import stricter_consent
from functions.profiles.store import ProfileStore
from functions.times import format_duration

Fate = Literal["written", "older", "nothing", "refused", "failed"]
"""What became of a record: `older` and `nothing` changed nothing and never will; `failed` may yet succeed."""

_FIRST_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_ALIASES: Final = 4


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one record.

    Attributes:
        position: Where it stands, for example `Records[2].body`.
        envelope: What it came in.
        fate: What became of it.
        form: Who speaks; None where that is not known.
        profile_id: Whose profile, after aliases were followed; None where that is not known.
        wrote: Which parts were written: `profile`, `traits`, `consent.NAME` (`consent` where
            the contract does not know the name), `alias`.
        kept: Which parts were not, because the store holds something newer, or the alias of somebody else.
        error: Why it was refused or failed.
    """

    position: str
    envelope: str
    fate: Fate
    form: str | None = None
    profile_id: str | None = None
    wrote: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    error: FunctionsError | None = None

    @property
    def code(self) -> str | None:
        """Code of the error."""
        return self.error.code if self.error is not None else None

    def as_document(self) -> dict[str, Json]:
        """Return what a sender may be told: places and codes, nothing of the record."""
        parts: dict[str, Json] = {"position": self.position, "fate": self.fate}
        if self.error is not None:
            return {**parts, "code": self.error.code}
        return {**parts, "wrote": list(self.wrote), "kept": list(self.kept)}


@dataclass(frozen=True, slots=True)
class Ingest:
    """Takes in what platforms send.

    Attributes:
        store: Where to.
        sources: What platforms call the consents of the data contract.
        skew: How far ahead of the clock an instant may be.
    """

    store: ProfileStore
    sources: ConsentSources
    skew: timedelta = timedelta(minutes=5)

    def take(
        self,
        document: Json,
        *,
        now: datetime,
        received_at: datetime,
        gpc: bool = False,
        vet: Vet = lambda _: None,
    ) -> Iterator[Ingested]:
        """Take in every record of a document; one that is wrong does not spoil its neighbours.

        Args:
            document: An envelope, a bare record or a list of them.
            now: The present instant.
            received_at: When the document arrived, the same at every redelivery.
            gpc: Whether the request that brought it carried `Sec-GPC: 1`.
            vet: Is asked about the accounts that the envelopes name; see `unwrap_each`.
        """
        for found in unwrap_each(document, vet):
            if isinstance(found, Refusal):
                yield Ingested(found.position, found.envelope, "refused", error=found.error)
            else:
                yield self.take_one(found, now=now, received_at=received_at, gpc=gpc)

    def take_one(
        self, delivery: Delivery, *, now: datetime, received_at: datetime, gpc: bool = False
    ) -> Ingested:
        """Take in one record that is out of its envelopes; the arguments are those of `take`."""
        position, envelope = delivery.position, delivery.envelope
        try:
            changes = read_changes(delivery, sources=self.sources, received_at=received_at, gpc=gpc)
            self._check_times(changes, now, position)
            profile_id, wrote, kept = self._write(changes, now)
        except (EventError, StoreRejectedError) as error:
            return Ingested(position, envelope, "refused", error=error)
        except ProfileStoreError as error:
            # Whatever the store has, it is no fault of the record: its source delivers it again.
            return Ingested(position, envelope, "failed", error=error)
        fate: Fate = "written" if wrote else "older" if kept else "nothing"
        return Ingested(position, envelope, fate, changes.form, profile_id, wrote, kept)

    def _check_times(self, changes: Changes, now: datetime, position: str) -> None:
        for at in (changes.at, *(record.at for record in changes.consent.values())):
            if at - now > self.skew:
                raise EventFromFutureError(
                    f"{position}: an instant is more than {format_duration(self.skew)} ahead of the clock",
                    hint="check the clock of the producer",
                )
            if at < _FIRST_TIME:
                raise EventMalformedError(f"{position}: an instant is before 1970")

    def _write(self, changes: Changes, now: datetime) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """Write changes, what tightens first: cut short and done again, they end the same."""
        profile_id, at, store = self._resolved(changes.profile_id), changes.at, self.store
        own = (profile_id, changes.profile_id)
        aliases = [alias for alias in dict.fromkeys(changes.aliases) if alias not in own]
        done = [("alias", self._add_alias(alias, profile_id, now)) for alias in aliases]
        done += [
            # A name that the contract does not know came with the record, and is not repeated.
            (
                f"consent.{name}" if name in self.sources else "consent",
                store.put_consent(profile_id, record, now=now),
            )
            for name, record in changes.consent.items()
        ]
        if changes.profile is not None:
            done.append(("profile", store.put_profile(profile_id, changes.profile, updated_at=at)))
        if changes.traits:
            done.append(("traits", store.patch_profile(profile_id, changes.traits, at=at)))
        wrote = tuple(part for part, written in done if written)
        return profile_id, wrote, tuple(part for part, written in done if not written)

    def _resolved(self, profile_id: str) -> str:
        """Follow aliases, so that an id that is one never gets a profile of its own."""
        for _ in range(_MAX_ALIASES):
            target = self.store.resolve_alias(profile_id)
            if target is None:
                break
            profile_id = target
        return profile_id

    def _add_alias(self, alias: str, profile_id: str, now: datetime) -> bool:
        """Let an alias stand for a profile, and what was refused under it be refused there too.

        When they become one, whatever the dates: before the alias, so that what is cut short in between refuses too
        much rather than too little, and after it, for what was said meanwhile. From then on the later word counts.
        """
        joins = self._resolved(alias) != profile_id
        if joins and self.store.resolve_alias(alias) is None:
            self._unite_consent(alias, profile_id, now)
        if joins and not self.store.add_alias(alias, profile_id):
            return False
        if joins:
            self._unite_consent(alias, profile_id, now)
        else:
            self._repeat_refusals(alias, profile_id, now)
        return True

    def _unite_consent(self, alias: str, profile_id: str, now: datetime) -> None:
        own = self.store.load(profile_id).consent
        for purpose, record in self.store.load(alias).consent.items():
            stricter = stricter_consent(own.get(purpose), record)
            if stricter is not None:
                self.store.put_consent(profile_id, stricter, now=now)

    def _repeat_refusals(self, alias: str, profile_id: str, now: datetime) -> None:
        for record in self.store.load(alias).consent.values():
            if record.status != "granted":
                self.store.put_consent(profile_id, record, now=now)
