"""The statements that the SQLite store sends. Columns are those of `functions.profiles.rows`."""

from __future__ import annotations

from typing import Final

PUT_PROFILE: Final = """
    INSERT INTO profile (profile_id, updated_at, body) VALUES (?, ?, ?)
    ON CONFLICT (profile_id) DO UPDATE SET updated_at = excluded.updated_at, body = excluded.body
"""

PUT_CONSENT: Final = """
    INSERT INTO consent (profile_id, purpose, at, record) VALUES (:profile_id, :purpose, :at, :record)
    ON CONFLICT (profile_id, purpose) DO UPDATE SET at = excluded.at, record = excluded.record
"""

PUT_ALIAS: Final = """
    INSERT INTO alias (alias, profile_id) VALUES (?, ?)
    ON CONFLICT (alias) DO UPDATE SET profile_id = excluded.profile_id
"""

PUT_SCORE: Final = """
    INSERT INTO score (profile_id, name, value, at, expires_at, function, decision_id, model)
    VALUES (:profile_id, :name, :value, :at, :expires_at, :function, :decision_id, :model)
    ON CONFLICT (profile_id, name) DO UPDATE SET
        value = excluded.value, at = excluded.at, expires_at = excluded.expires_at,
        function = excluded.function, decision_id = excluded.decision_id, model = excluded.model
    WHERE score.at <= excluded.at
"""

DROP_EARLIER_CONTACTS: Final = """
    DELETE FROM contact WHERE profile_id = :profile_id AND EXISTS (
        SELECT 1 FROM contact AS other
        WHERE other.profile_id = :alias AND other.decision_id = contact.decision_id AND other.at > contact.at
    )
"""

UNITE_CONTACTS: Final = """
    INSERT INTO contact (profile_id, decision_id, action, tags, channel, at, status, counts)
    SELECT :profile_id, decision_id, action, tags, channel, at, status, counts FROM contact
    WHERE profile_id = :alias
        AND decision_id NOT IN (SELECT decision_id FROM contact WHERE profile_id = :profile_id)
    ORDER BY at, seq
"""

ADD_CONTACT: Final = """
    INSERT INTO contact (profile_id, decision_id, action, tags, channel, at, status, counts)
    VALUES (:profile_id, :decision_id, :action, :tags, :channel, :at, :status, :counts)
"""

MOVE_VERSION: Final = """
    INSERT INTO state (profile_id, version) VALUES (?, 1)
    ON CONFLICT (profile_id) DO UPDATE SET version = version + 1
"""

ADD_DECISION: Final = """
    INSERT INTO decision
        (profile_id, id, function, event_id, decided_at, outcome, reason, body, expires_at)
    VALUES
        (:profile_id, :id, :function, :event_id, :decided_at, :outcome, :reason, :body, :expires_at)
"""

PUT_OUTBOX: Final = """
    INSERT OR REPLACE INTO outbox
        (profile_id, decision_id, function, action, channel, consent, purpose, message, created_at,
         due_at, expires_at, keep_until, status, attempts, undelivered, lease_owner, lease_until, note, paid, zones,
         known_as)
    VALUES
        (:profile_id, :decision_id, :function, :action, :channel, :consent, :purpose, :message, :created_at,
         :due_at, :expires_at, :keep_until, :status, :attempts, :undelivered, :lease_owner, :lease_until, :note,
         :paid, :zones, :known_as)
"""

READ_PROFILE: Final = "SELECT body FROM profile WHERE profile_id = ?"
READ_STORED_PROFILE: Final = "SELECT updated_at, body FROM profile WHERE profile_id = ?"
READ_CONSENTS: Final = "SELECT purpose, at, record FROM consent WHERE profile_id = ?"
READ_CONSENT: Final = "SELECT purpose, at, record FROM consent WHERE profile_id = ? AND purpose = ?"
READ_VERSION: Final = "SELECT version FROM state WHERE profile_id = ?"
READ_SCORES: Final = "SELECT * FROM score WHERE profile_id = ?"
READ_CONTACTS: Final = "SELECT * FROM contact WHERE profile_id = ? ORDER BY at, seq"
COUNT_CONTACTS: Final = "SELECT count(*) AS n FROM contact WHERE profile_id = ? AND at >= ?"
PRUNE_CONTACTS: Final = "DELETE FROM contact WHERE profile_id = ? AND at < ?"
SETTLE_CONTACT: Final = (
    "UPDATE contact SET status = ?, at = COALESCE(?, at) WHERE profile_id = ? AND decision_id = ?"
)
READ_DECISION: Final = "SELECT * FROM decision WHERE profile_id = ? AND id = ?"
READ_DECISIONS: Final = """
    SELECT * FROM decision WHERE profile_id = ? ORDER BY decided_at DESC, rowid DESC LIMIT ?
"""
READ_EVERY_DECISION: Final = """
    SELECT *, rowid AS place FROM decision WHERE rowid > ? ORDER BY rowid LIMIT 500
"""
READ_OUTBOX_ENTRY: Final = "SELECT * FROM outbox WHERE profile_id = ? AND decision_id = ?"
READ_OUTBOX: Final = """
    SELECT * FROM outbox WHERE status = 'reserved' AND due_at <= ?
    ORDER BY due_at, decision_id, profile_id
"""
READ_OUTBOX_OF: Final = "SELECT * FROM outbox WHERE profile_id = ?"
READ_ALIASES: Final = "SELECT alias FROM alias WHERE profile_id = ? ORDER BY alias"
READ_KNOWN_AS: Final = """
    WITH RECURSIVE known (id) AS (
        SELECT alias FROM alias WHERE profile_id = :profile_id
        UNION SELECT alias.alias FROM alias JOIN known ON alias.profile_id = known.id
    )
    SELECT id FROM known WHERE id <> :profile_id
"""
READ_ALIAS: Final = "SELECT profile_id FROM alias WHERE alias = ?"
READ_DOCUMENT_VERSION: Final = "SELECT version FROM operator_document WHERE name = ?"

DELETE_PROFILE: Final = (
    "DELETE FROM profile WHERE profile_id = ?",
    "DELETE FROM consent WHERE profile_id = ?",
    "DELETE FROM state WHERE profile_id = ?",
    "DELETE FROM score WHERE profile_id = ?",
    "DELETE FROM contact WHERE profile_id = ?",
    "DELETE FROM decision WHERE profile_id = ?",
    "DELETE FROM outbox WHERE profile_id = ?",
    "DELETE FROM alias WHERE profile_id = ?",
    "DELETE FROM feedback WHERE kind <> 'counter' AND owner = ?",
)

ADD_FEEDBACK: Final = """
    INSERT INTO feedback (kind, owner, name, at, body, version, due_at, keep_until)
    VALUES (:kind, :owner, :name, :at, :body, :version, :due_at, :keep_until) ON CONFLICT DO NOTHING
"""
PURGE: Final = (
    "DELETE FROM decision WHERE expires_at <= ?",
    "DELETE FROM outbox WHERE keep_until <= ?",
    "DELETE FROM feedback WHERE keep_until <= ?",
    "DELETE FROM budget WHERE keep_until <= ?",
)
PURGE_SCORES: Final = "DELETE FROM score WHERE expires_at <= ?"
