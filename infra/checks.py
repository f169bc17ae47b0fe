"""cdk-nag's AWS Solutions rules at every synthesis. What is meant is accepted, with a reason, where it stands."""

from __future__ import annotations

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.accepted import accept


def add_checks(app: cdk.App) -> None:
    """Check the stacks of an app; a finding that is not accepted stops the synthesis."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    accept(
        app,
        "AwsSolutions-L1",
        "The artefacts hold code for Python 3.13, which the package is tested with; AWS supports it until 2029.",
    )
