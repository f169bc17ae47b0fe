"""From the plan of a model to its adapter."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from functions.models.model import Model, ModelConnection
from functions.plugins import load_kind

if TYPE_CHECKING:
    from functions.spec.plan import ModelPlan

MODEL_KINDS: Final = MappingProxyType(
    {
        "sagemaker": "functions.models.sagemaker:SageMakerModel",
        "http": "functions.models.http:HttpModel",
    }
)
"""Kind to class. Each class is called with the plan and the connection, as is a class of your own."""


def open_model(plan: ModelPlan, connection: ModelConnection) -> Model:
    """Make the adapter that a plan names. Nothing is called yet.

    Args:
        plan: Its kind is one of `MODEL_KINDS`, or `package.module:Class`.
        connection: What adapters need of their surroundings.

    Raises:
        SettingsError: The kind is unknown, the class can't be imported, or its options can't be used.
    """
    model_class = load_kind(plan.kind, MODEL_KINDS, where="model")
    return cast(Model, model_class(plan, connection))
