"""What the template promises about the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.profiles.dynamodb_table import TTL_ATTRIBUTE, table_definition

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis


def test_the_table_is_the_one_that_the_store_describes(deployed: Synthesis) -> None:
    (table,) = deployed.of_type("AWS::DynamoDB::Table").values()
    properties, wanted = table["Properties"], table_definition("functions-dev-profiles")

    assert properties["TableName"] == wanted["TableName"]
    assert properties["BillingMode"] == wanted["BillingMode"]
    assert properties["KeySchema"] == wanted["KeySchema"]
    assert properties["GlobalSecondaryIndexes"] == wanted["GlobalSecondaryIndexes"]
    by_name = [sorted(each["AttributeDefinitions"], key=str) for each in (properties, wanted)]
    assert by_name[0] == by_name[1]
    view = wanted["StreamSpecification"]["StreamViewType"]
    assert properties["StreamSpecification"] == {"StreamViewType": view}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": TTL_ATTRIBUTE, "Enabled": True}


def test_the_table_is_encrypted_recoverable_and_outlives_its_stack(deployed: Synthesis) -> None:
    (table,) = deployed.of_type("AWS::DynamoDB::Table").values()
    properties = table["Properties"]

    assert properties["SSESpecification"]["SSEType"] == "KMS"
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["DeletionProtectionEnabled"] is True
    assert table["DeletionPolicy"] == "Retain"
