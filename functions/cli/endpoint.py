"""`functions endpoint`: serve the sample models over the SageMaker runtime API."""

from __future__ import annotations

import argparse
from pathlib import Path

from functions.cli.console import Console
from functions.settings import read_settings

_EPILOG = """Any SageMaker client works against it.

examples:
  functions endpoint --port 8080
  AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=http://127.0.0.1:8080 \\
    functions invoke churn-retention --event events/cancellation-page.json

It listens on this machine only, and checks no credentials.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--models", type=Path, metavar="FOLDER", help="folder of the models; default FUNCTIONS_MODELS"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default 127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; default a free one")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command until it is interrupted."""
    from functions.endpoint.server import EndpointServer, run_endpoint

    folder = arguments.models or read_settings(console.environment).models

    def ready(server: EndpointServer) -> None:
        console.out(server.url)
        console.flush()
        console.err(f"serving the models of {folder}; end with Ctrl-C")

    run_endpoint(folder, arguments.host, arguments.port, on_ready=ready)
    return 0
