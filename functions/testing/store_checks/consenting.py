"""Consent is kept as it was given, and of two records the one that counts stays, whatever the clocks said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import permutations
from typing import Final

from functions.governance.consent import CLOCK_SKEW, ConsentRecord, ConsentStatus
from functions.profiles.store import ProfileStore
from functions.testing.store_checks.racing import THREADS, at_once
from functions.testing.store_checks.samples import DAY, HOUR, NOW, a_consent, new_id, read, refuses

_TICK: Final = timedelta(milliseconds=1)
_MINUTE: Final = timedelta(minutes=1)


class ConsentOrderChecks:
    """Which of two records of one purpose counts."""

    def test_consent_reads_as_it_was_written(self, store: ProfileStore) -> None:
        """One record per purpose; instants in milliseconds."""
        profile_id = new_id("profile")
        short = ConsentRecord("analytics", "revoked", NOW)
        precise = replace(a_consent("ads"), at=NOW - timedelta(microseconds=876_544))
        for record in (a_consent(), short, precise):
            assert store.put_consent(profile_id, record, now=NOW) is True
        assert read(store, profile_id).consent == {
            "marketing": a_consent(),
            "analytics": short,
            "ads": replace(precise, at=NOW - timedelta(milliseconds=877)),
        }

    def test_older_consent_does_not_replace_newer(self, store: ProfileStore) -> None:
        """A late delivery of what was said earlier changes nothing, for its purpose alone."""
        profile_id = new_id("profile")
        store.put_consent(profile_id, a_consent(), now=NOW)
        assert store.put_consent(profile_id, _refused(NOW - HOUR), now=NOW) is False
        assert store.put_consent(profile_id, a_consent("ads", at=NOW - HOUR), now=NOW) is True
        older = replace(a_consent(at=NOW - _TICK), source="another")
        assert store.put_consent(profile_id, older, now=NOW) is False
        assert read(store, profile_id).consent["marketing"] == a_consent()
        same = replace(a_consent(), source="another")
        assert store.put_consent(profile_id, same, now=NOW) is True
        assert store.put_consent(profile_id, _refused(NOW + HOUR), now=NOW + HOUR) is True
        later = a_consent(at=NOW + 2 * HOUR)
        assert store.put_consent(profile_id, later, now=NOW + 2 * HOUR) is True
        assert read(store, profile_id).consent["marketing"] == later

    def test_of_one_instant_the_stricter_counts_whichever_comes_first(self, store: ProfileStore) -> None:
        """Every status but a grant refuses."""
        for status in ("revoked", "denied", "unknown", "conflict"):
            refusal = _refused(NOW, status)
            for order in permutations((a_consent(), refusal)):
                assert _ending(store, order) == refusal

    def test_within_the_skew_of_clocks_the_stricter_counts_whichever_comes_first(
        self, store: ProfileStore
    ) -> None:
        """Minutes may be nothing but a wrong clock; beyond them the later one counts."""
        for ahead in (_TICK, 4 * _MINUTE, CLOCK_SKEW):
            for order in permutations((a_consent(at=NOW + ahead), _refused(NOW))):
                assert _ending(store, order) == _refused(NOW)
        for order in permutations((a_consent(at=NOW + CLOCK_SKEW + _TICK), _refused(NOW))):
            assert _ending(store, order) == a_consent(at=NOW + CLOCK_SKEW + _TICK)
        for order in permutations((a_consent(), _refused(NOW - CLOCK_SKEW - _TICK))):
            assert _ending(store, order) == a_consent()

    def test_of_two_refusals_and_of_two_grants_the_later_counts(self, store: ProfileStore) -> None:
        """Also within the skew."""
        for order in permutations((_refused(NOW), _refused(NOW + _MINUTE, "denied"))):
            assert _ending(store, order) == _refused(NOW + _MINUTE, "denied")
        for order in permutations((a_consent(), a_consent(at=NOW + _MINUTE))):
            assert _ending(store, order) == a_consent(at=NOW + _MINUTE)

    def test_of_two_grants_of_one_instant_the_one_that_ends_first_counts(self, store: ProfileStore) -> None:
        """Whichever comes first; one without an end never takes the place of one with an end."""
        endless, short = (replace(a_consent(), expires_at=end) for end in (None, NOW + HOUR))
        for order in permutations((endless, short)):
            assert _ending(store, order) == short

    def test_a_grant_of_a_fast_clock_does_not_outlast_a_refusal(self, store: ProfileStore) -> None:
        """It is kept as of the moment it came, so that what is said after it comes after it."""
        profile_id, fast = new_id("profile"), a_consent(at=NOW + 4 * _MINUTE)
        assert store.put_consent(profile_id, fast, now=NOW) is True
        assert read(store, profile_id).consent["marketing"] == replace(fast, at=NOW)
        slow = _refused(NOW - 3 * _MINUTE)
        assert store.put_consent(profile_id, slow, now=NOW + _MINUTE) is True
        assert read(store, profile_id).consent["marketing"] == slow

    def test_a_grant_from_the_future_is_refused(self, store: ProfileStore) -> None:
        """It would stand against every refusal until its date."""
        profile_id = new_id("profile")
        for ahead in (CLOCK_SKEW + _TICK, 365 * DAY):
            assert refuses(store.put_consent, profile_id, a_consent(at=NOW + ahead), now=NOW)
        assert read(store, profile_id).consent == {}
        assert store.put_consent(profile_id, a_consent(at=NOW + CLOCK_SKEW), now=NOW) is True

    def test_a_refusal_from_the_future_counts_from_now_on(self, store: ProfileStore) -> None:
        """It is never refused for its date, and stands against no grant that comes later."""
        profile_id = new_id("profile")
        store.put_consent(profile_id, a_consent(), now=NOW)
        assert store.put_consent(profile_id, _refused(NOW + 365 * DAY), now=NOW) is True
        assert read(store, profile_id).consent["marketing"] == _refused(NOW)
        later = a_consent(at=NOW + HOUR)
        assert store.put_consent(profile_id, later, now=NOW + HOUR) is True
        assert read(store, profile_id).consent["marketing"] == later

    def test_a_stored_grant_from_the_future_does_not_stand_against_a_refusal(
        self, store: ProfileStore
    ) -> None:
        """Whoever wrote it, by whatever clock: it was given now at the latest."""
        profile_id, ahead = new_id("profile"), NOW + 365 * DAY
        assert store.put_consent(profile_id, a_consent(at=ahead), now=ahead) is True
        assert store.put_consent(profile_id, _refused(NOW), now=NOW) is True
        assert read(store, profile_id).consent["marketing"] == _refused(NOW)

    def test_a_record_that_comes_again_changes_nothing(self, store: ProfileStore) -> None:
        """It is written, as far as its sender can tell."""
        for record in (a_consent(), _refused(NOW)):
            profile_id = new_id("profile")
            for _ in range(2):
                assert store.put_consent(profile_id, record, now=NOW) is True
            assert read(store, profile_id).consent == {"marketing": record}

    def test_of_many_records_at_once_the_strictest_of_the_newest_counts(self, store: ProfileStore) -> None:
        """Whoever wins the race, and each purpose by itself."""
        profile_id = new_id("profile")
        records = [a_consent(at=NOW + number * _TICK) for number in range(THREADS - 2)]
        records += [_refused(NOW + _TICK), replace(_refused(NOW), purpose="ads")]

        def put(record: ConsentRecord) -> bool:
            return store.put_consent(profile_id, record, now=NOW + HOUR)

        answers = at_once([partial(put, record) for record in records])
        assert answers[-2:] == [True, True]
        kept = read(store, profile_id).consent
        assert kept == {"marketing": _refused(NOW + _TICK), "ads": records[-1]}


def _refused(at: datetime, status: ConsentStatus = "revoked") -> ConsentRecord:
    return ConsentRecord("marketing", status, at)


def _ending(store: ProfileStore, order: Sequence[ConsentRecord]) -> ConsentRecord:
    """Put records one after the other, long after all of them, and return the one that counts."""
    profile_id = new_id("profile")
    for record in order:
        store.put_consent(profile_id, record, now=NOW + DAY)
    return read(store, profile_id).consent["marketing"]
