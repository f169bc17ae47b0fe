"""Entry module of the Lambda function that keeps decisions for good; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("export", os.environ)
