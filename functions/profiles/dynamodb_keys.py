"""Keys of the table: each partition has one owner, so that rights can be given by partition.

IAM can tell items apart by the partition key (`dynamodb:LeadingKeys`) and not by the sort key. So what the
platform owns of a customer stands under the customer's id, and what decisions and outcomes write stands beside it,
under prefixes that no id begins with.

| partition key | sort keys | written by |
|---|---|---|
| id | `PROFILE`, `CONSENT`, `ALIAS`, and `ALIAS#alias` for each alias that points to it | the platform, ingest |
| `FUNCTIONS#DECIDED#id` | `STATE`, `DECISION#id`, `OUTBOX#id`, `ATTEMPTS` | decisions; ingest unites states |
| `FUNCTIONS#MEASURED#id` | `TRIAL#id`, `RESPONSES` | decisions add trials, outcomes the rest |
| `FUNCTIONS#BUDGET#name#shard` | `BUDGET#period` | decisions; none is hot |
| `FUNCTIONS#COUNTER#name` | `COUNTER` | the count of responses |
| `FUNCTIONS#OPERATOR` | `DOCUMENT#name` | operators |
| `FUNCTIONS#MARK#digest` | `DOCUMENT#name` | operators; none is hot |
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from functions.profiles.codec import RESERVED
from functions.profiles.dynamodb_table import PARTITION_KEY, SORT_KEY

PROFILE: Final = "PROFILE"
CONSENT: Final = "CONSENT"
ALIAS: Final = "ALIAS"
ALIAS_OF: Final = "ALIAS#"
STATE: Final = "STATE"
DECISION: Final = "DECISION#"
OUTBOX: Final = "OUTBOX#"
TRIAL: Final = "TRIAL#"
RESPONSES: Final = "RESPONSES"
ATTEMPTS: Final = "ATTEMPTS"
DOCUMENT: Final = "DOCUMENT#"
"""What the sort key of a shared document begins with; its name follows."""

DECIDED: Final = f"{RESERVED}DECIDED#"
MEASURED: Final = f"{RESERVED}MEASURED#"
BUDGET: Final = f"{RESERVED}BUDGET#"
COUNTER: Final = f"{RESERVED}COUNTER#"
OPERATOR: Final = f"{RESERVED}OPERATOR"
SUPPRESSION: Final = f"{RESERVED}MARK#"

_PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys((PROFILE, CONSENT, ALIAS, ALIAS_OF), ""),
        **dict.fromkeys((STATE, DECISION, OUTBOX, ATTEMPTS), DECIDED),
        **dict.fromkeys((TRIAL, RESPONSES), MEASURED),
    }
)


def key(profile_id: str, sort: str) -> dict[str, dict[str, Any]]:
    """Return the key of an item about a customer, in the partition of whoever writes it."""
    kind, mark, _ = sort.partition("#")
    return key_in(_PREFIXES[kind + mark] + profile_id, sort)


def key_in(partition: str, sort: str) -> dict[str, dict[str, Any]]:
    """Return the key of an item in a partition of the table."""
    return {PARTITION_KEY: {"S": partition}, SORT_KEY: {"S": sort}}


def stands_in(item: Mapping[str, Mapping[str, Any]], prefix: str) -> bool:
    """Say whether an item is in a partition that only its owner can write into.

    Who may write into the partition of a customer may write any sort key there: an item is a decision, an entry of
    the outbox or a trial by where it stands, not by what it is called.
    """
    return str(item[PARTITION_KEY]["S"]).startswith(prefix)


def partitions_of(profile_id: str) -> tuple[str, ...]:
    """Return the partitions of everything about a customer."""
    return (profile_id, DECIDED + profile_id, MEASURED + profile_id)


def shard_key(budget: str, period: str, shard: int) -> dict[str, dict[str, Any]]:
    """Return the key of one shard of a budget."""
    return key_in(f"{BUDGET}{budget}#{shard}", f"BUDGET#{period}")


def counter_key(name: str) -> dict[str, dict[str, Any]]:
    """Return the key of what responses have taught about one thing."""
    return key_in(COUNTER + name, "COUNTER")
