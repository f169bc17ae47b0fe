"""The CDK app: `cdk deploy` runs it, and `python infra/app.py` synthesizes without the command `cdk`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.documents import Json
from functions.errors import FunctionsError, SettingsError
from functions.spec.loading import SpecFolder, load_folder
from functions.spec.problems import SpecError
from infra.node import use_packaged_node

if TYPE_CHECKING:
    import aws_cdk as cdk

    from functions.spec.plan import Plan
    from infra.configuration import Configuration
    from infra.function_code import FunctionCode

ROOT = Path(__file__).parents[1]


def build_app(
    context: Mapping[str, Json] | None = None,
    *,
    outdir: str | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> cdk.App:
    """Return the app with its stacks.

    Args:
        context: Context values besides those of `cdk.json` and the command line, which go before.
        outdir: Where the assembly is written; CDK's own choice when not given.
        say: Takes lines for the person who deploys.

    Raises:
        SettingsError: A context value can't be used.
        SpecError: A spec has errors.
    """
    import aws_cdk as cdk

    from infra.configuration import read_configuration
    from infra.function_code import FunctionCode
    from infra.local_target import LocalTarget

    app = cdk.App(context=dict(context or {}), outdir=outdir, analytics_reporting=False)
    configuration = read_configuration(app.node.try_get_context)
    if not configuration.bundle:
        # Nothing is to be deployed, so nothing is copied.
        app.node.set_context("aws:cdk:disable-asset-staging", True)
    _check_runtime(configuration)
    folder = _checked(load_folder(configuration.specs))
    code = FunctionCode(configuration, ROOT, folder.files, say=say)
    _add_stacks(app, configuration, folder.plans, code)
    _say_secrets(configuration, folder.plans, say)
    cdk.Tags.of(app).add("functions:environment", configuration.environment)
    if configuration.is_local:
        cdk.Aspects.of(app).add(LocalTarget())
    if configuration.checks and not configuration.is_local:
        from infra.checks import add_checks

        add_checks(app)
    return app


def main(environment: MutableMapping[str, str], say: Callable[[str], object]) -> int:
    """Synthesize.

    Args:
        environment: Told which Node runs CDK.
        say: Takes what a person has to read.

    Returns:
        The exit code: 0, or 1 with what is wrong having been said.
    """
    use_packaged_node(environment)
    try:
        build_app(say=say).synth()
    except SpecError as error:
        for problem in error.problems:
            say(problem.render())
    except FunctionsError as error:
        say(f"{error.message}. {error.hint or ''}".rstrip())
    except RuntimeError as error:
        # What CDK and its rules have to say, without the way through its machinery.
        say(str(error).partition("\n")[0])
    else:
        return 0
    return 1


def _add_stacks(
    app: cdk.App, configuration: Configuration, plans: Mapping[str, Plan], code: FunctionCode
) -> None:
    from infra.functions_stack import FunctionsStack
    from infra.grouping import group, weight
    from infra.shared_stack import SharedStack

    weights = {name: weight(name, configuration) for name in plans}
    title = f"Functions-{configuration.environment}"
    shared = SharedStack(
        app,
        f"{title}-Shared",
        plans=plans,
        code=code,
        configuration=configuration,
        **_stack_options(configuration, "What all functions share"),
    )
    for number, names in group(weights, configuration.stacks).items():
        FunctionsStack(
            app,
            f"{title}-{number}",
            plans={name: plans[name] for name in names},
            shared=shared,
            code=code,
            configuration=configuration,
            **_stack_options(configuration, f"Functions, part {number}"),
        )


def _say_secrets(
    configuration: Configuration, plans: Mapping[str, Plan], say: Callable[[str], object]
) -> None:
    """Name the secrets that must exist: CloudFormation resolves them when it deploys."""
    from infra.secret_values import LOG_KEY_NAME, secret_id, secret_names, shared_names

    names = {name for plan in plans.values() for name in secret_names(plan.model, plan.channels.values())}
    names.update(shared_names(configuration))
    if configuration.log_key:
        names.add(LOG_KEY_NAME)
    if names:
        wanted = ", ".join(secret_id(configuration, name) for name in sorted(names))
        say(f"Secrets Manager must hold: {wanted}")


def _stack_options(configuration: Configuration, description: str) -> dict[str, Any]:
    import aws_cdk as cdk

    options: dict[str, Any] = {"description": description}
    if configuration.synthesizer == "cli":
        options["synthesizer"] = cdk.CliCredentialsStackSynthesizer()
    return options


def _check_runtime(configuration: Configuration) -> None:
    """Refuse what would deploy and then never start.

    Raises:
        SettingsError: The SDK of X-Ray or the Python for snapshots is missing.
    """
    from infra.function_code import python_runtime

    if configuration.tracing and "aws-xray-sdk" not in configuration.requirements.read_text():
        raise SettingsError(
            f"context value tracing: {configuration.requirements} does not pin aws-xray-sdk",
            hint="Name a requirements file that does, as context value requirements.",
        )
    if configuration.snap_start and not python_runtime(configuration).supports_snap_start:
        raise SettingsError(f"context value snap_start: Python {configuration.python} has no SnapStart")


def _checked(folder: SpecFolder) -> SpecFolder:
    if folder.errors:
        raise SpecError(folder.errors)
    return folder


if __name__ == "__main__":
    sys.exit(main(os.environ, lambda line: print(line, file=sys.stderr)))
