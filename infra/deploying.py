"""Deploys what was synthesized without the command `cdk`, to an AWS on this machine: assets, then stacks.

    AWS_ENDPOINT_URL=http://127.0.0.1:4566 python -m infra.deploying cdk.out

On AWS itself use `cdk deploy`, which shows changes first and asks before it widens rights.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from functions.documents import Json
from functions.errors import FunctionsError, SettingsError

ENDPOINT: Final = "AWS_ENDPOINT_URL"

_STACK: Final = "aws:cloudformation:stack"
_WAITER: Final = {"Delay": 1, "MaxAttempts": 300}


@dataclass(frozen=True, slots=True)
class Deployer:
    """Uploads assets and makes stacks.

    Attributes:
        s3: A boto3 client; it must write addresses with the bucket in the path.
        cloudformation: A boto3 client.
        account: Of the AWS on this machine.
        region: Its region.
    """

    s3: Any
    cloudformation: Any
    account: str
    region: str

    def deploy(self, assembly: Path) -> dict[str, dict[str, str]]:
        """Deploy every stack of a synthesized app, each after those that it depends on.

        Args:
            assembly: The folder that synthesis wrote.

        Returns:
            The outputs of each stack, by its name.

        Raises:
            SettingsError: The folder holds no stacks, or a stack can't be made; what failed first is named.
        """
        artifacts = _document(assembly / "manifest.json")["artifacts"]
        stacks = list(stack_order(artifacts))
        if not stacks:
            raise SettingsError(f"{assembly}: there are no stacks in the manifest")
        for name in stacks:
            self._publish(assembly / f"{name}.assets.json")
        return {name: self._make(name, artifacts[name]["properties"]) for name in stacks}

    def _publish(self, manifest: Path) -> None:
        """Upload the files that a stack needs, each named by its content; one that is there stays."""
        for asset in _document(manifest)["files"].values():
            source = manifest.parent / asset["source"]["path"]
            for destination in asset["destinations"].values():
                bucket = self._named(destination["bucketName"])
                self._ensure_bucket(bucket)
                if not self._is_there(bucket, destination["objectKey"]):
                    body = _zipped(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
                    self.s3.put_object(Bucket=bucket, Key=destination["objectKey"], Body=body)

    def _make(self, name: str, properties: Mapping[str, Json]) -> dict[str, str]:
        """Create a stack, or update it, and return its outputs."""
        _, _, path = self._named(properties["stackTemplateAssetObjectUrl"]).partition("s3://")
        request = {
            "StackName": name,
            "TemplateURL": f"{self.s3.meta.endpoint_url}/{path}",
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            "Tags": [{"Key": key, "Value": value} for key, value in properties.get("tags", {}).items()],
        }
        if not self._exists(name):
            self.cloudformation.create_stack(**request)
            self._wait(name, "stack_create_complete")
        elif self._update(request):
            self._wait(name, "stack_update_complete")
        (stack,) = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}

    def _update(self, request: Mapping[str, Json]) -> bool:
        """Return whether there was anything to update."""
        try:
            self.cloudformation.update_stack(**request)
        except self.cloudformation.exceptions.ClientError as error:
            if "No updates" in error.response["Error"].get("Message", ""):
                return False
            raise
        return True

    def _wait(self, name: str, state: str) -> None:
        from botocore.exceptions import WaiterError

        try:
            self.cloudformation.get_waiter(state).wait(StackName=name, WaiterConfig=_WAITER)
        except WaiterError as error:
            why = next(self._failures(name), "CloudFormation does not say why")
            raise SettingsError(f"stack {name}: {why}") from error

    def _failures(self, name: str) -> Iterator[str]:
        """Yield what failed, first things first."""
        for event in reversed(self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]):
            if event["ResourceStatus"].endswith("_FAILED"):
                yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}"

    def _exists(self, name: str) -> bool:
        try:
            self.cloudformation.describe_stacks(StackName=name)
        except self.cloudformation.exceptions.ClientError:
            return False
        return True

    def _is_there(self, bucket: str, key: str) -> bool:
        return bool(self.s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount"))

    def _ensure_bucket(self, name: str) -> None:
        if name in {bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]}:
            return
        place = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        self.s3.create_bucket(Bucket=name, **({} if self.region == "us-east-1" else place))

    def _named(self, text: str) -> str:
        """Return a text of the manifest with the account and the region in their places."""
        pseudo = {"AWS::AccountId": self.account, "AWS::Region": self.region, "AWS::Partition": "aws"}
        for name, value in pseudo.items():
            text = text.replace(f"${{{name}}}", value)
        return text


def stack_order(artifacts: Mapping[str, Json]) -> Iterator[str]:
    """Yield the stacks of a manifest, each after those that it depends on."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, artifact in artifacts.items():
        sorter.add(name, *artifact.get("dependencies", ()))
    yield from (name for name in sorter.static_order() if artifacts[name]["type"] == _STACK)


def main(arguments: list[str], environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Deploy the folder that the one argument names.

    Returns:
        The exit code: 0, 1 with what is wrong having been said, or 2 for wrong arguments.
    """
    if len(arguments) != 1:
        say("usage: python -m infra.deploying FOLDER")
        return 2
    if not environment.get(ENDPOINT):
        say(f"{ENDPOINT} is not set: this deploys to an AWS on this machine; on AWS itself use `cdk deploy`")
        return 2
    try:
        for stack, outputs in connected(environment[ENDPOINT]).deploy(Path(arguments[0])).items():
            say(stack)
            for key, value in outputs.items():
                say(f"  {key} = {value}")
    except FunctionsError as error:
        say(error.message)
        return 1
    return 0


def connected(endpoint: str, **options: Any) -> Deployer:
    """Return a deployer to an AWS on this machine.

    Args:
        endpoint: Its address.
        options: As `boto3.Session` takes them; by default those of the environment.
    """
    import boto3
    from botocore.config import Config

    session = boto3.Session(**options)
    identity = session.client("sts", endpoint_url=endpoint).get_caller_identity()
    return Deployer(
        s3=session.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"})),
        cloudformation=session.client("cloudformation", endpoint_url=endpoint),
        account=identity["Account"],
        region=str(session.region_name),
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error
    return document


def _zipped(folder: Path) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, print))
