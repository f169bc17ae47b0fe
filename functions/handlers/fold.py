"""Entry module of the Lambda function that counts responses by a schedule; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("fold", os.environ)
