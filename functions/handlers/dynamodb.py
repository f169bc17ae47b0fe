"""Entry module of the Lambda function for changes of profiles; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("dynamodb", os.environ)
