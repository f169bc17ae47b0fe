"""Findings of cdk-nag that are meant, each with its reason, beside the construct that they are about."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct


def accept(construct: IConstruct, rule: str, reason: str) -> None:
    """Say that a finding on a construct, or on anything in it, is meant.

    Args:
        construct: What the finding is about.
        rule: Its id, such as `AwsSolutions-SQS3`.
        reason: Why it is no fault here, as a sentence for an auditor.
    """
    rule_of_pack = f"AwsSolutions::{rule}"
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=rule_of_pack, reason=reason))
