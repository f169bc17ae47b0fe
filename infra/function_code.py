"""The code of the functions as assets: one layer for all, and the artefacts of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from functions.build.folder import source_hash
from infra.assembling import Assembly, tree_hash
from infra.configuration import Configuration

SNAP_START_SINCE: Final = (3, 12)
"""The first Python that can start from a snapshot.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html.
"""


class FunctionCode:
    """Makes assets. The layer changes with the package and its requirements, the artefacts with their specs alone.

    So a changed spec deploys one function, in kilobytes, and a hundred functions keep one copy of the package.

    Args:
        configuration: Of the deployment.
        root: The folder that holds the package `functions`.
        files: The spec file of every function, by name.
        say: Takes lines for the person who deploys.
    """

    def __init__(
        self,
        configuration: Configuration,
        root: Path,
        files: Mapping[str, Path],
        *,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._configuration = configuration
        self._files = files
        self._assembly = Assembly(configuration, root, say)
        self._code_hash = tree_hash((configuration.requirements, root / "functions", *configuration.code))
        self._layers: dict[str, lambda_.LayerVersion] = {}

    def layer(self, scope: Construct) -> lambda_.ILayerVersion:
        """Return the layer of a construct's stack; each has one, so that stacks can be deployed one by one."""
        stack = cdk.Stack.of(scope)
        if stack.node.addr not in self._layers:
            self._layers[stack.node.addr] = lambda_.LayerVersion(
                stack,
                "Layer",
                code=self._asset(
                    _LocalBundle(self._assembly.write_layer),
                    self._digest("layer", self._configuration.architecture),
                ),
                compatible_runtimes=[python_runtime(self._configuration)],
                description="The package functions and its requirements",
            )
        return self._layers[stack.node.addr]

    def plans(self, names: Iterable[str]) -> lambda_.Code:
        """Return the artefacts of functions."""
        wanted = tuple(names)
        sources = [
            f"{name}={sorted(source_hash(self._configuration.specs, self._files[name]).items())}"
            for name in wanted
        ]
        bundle = _LocalBundle(lambda output: self._assembly.write_plans(output, wanted))
        return self._asset(bundle, self._digest("plans", *sources))

    def consents(self) -> lambda_.Code:
        """Return what platforms call the consents of the contract, for profile ingest."""
        contract = tree_hash((self._configuration.specs / "contract.yaml",))
        bundle = _LocalBundle(self._assembly.write_consents)
        return self._asset(bundle, self._digest("consents", contract))

    def _digest(self, *parts: str) -> str:
        compiled = "compiled" if self._assembly.python else "source"
        text = "\n".join((*parts, self._code_hash, self._configuration.python, compiled))
        return hashlib.sha256(text.encode()).hexdigest()

    def _asset(self, bundle: _LocalBundle, digest: str) -> lambda_.Code:
        # The source is a folder that is never copied: what is bundled takes its place.
        source = str(self._configuration.requirements.resolve().parent)
        if not self._configuration.bundle:
            return lambda_.Code.from_asset(
                source, asset_hash=digest, asset_hash_type=cdk.AssetHashType.CUSTOM
            )
        return lambda_.Code.from_asset(
            source,
            asset_hash=digest,
            asset_hash_type=cdk.AssetHashType.CUSTOM,
            bundling=cdk.BundlingOptions(image=cdk.DockerImage.from_registry("unused"), local=bundle),
        )


def python_runtime(configuration: Configuration) -> lambda_.Runtime:
    """Return the runtime of the functions."""
    can_snap = tuple(map(int, configuration.python.split("."))) >= SNAP_START_SINCE
    return lambda_.Runtime(
        f"python{configuration.python}", lambda_.RuntimeFamily.PYTHON, supports_snap_start=can_snap
    )


@jsii.implements(cdk.ILocalBundling)
class _LocalBundle:
    """Bundles on this machine, without Docker."""

    def __init__(self, write: Callable[[Path], None]) -> None:
        self._write = write

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """Write an asset; CDK calls this."""
        self._write(Path(output_dir))
        return True
