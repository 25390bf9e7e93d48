"""GET /health: whether the service answers."""

import logging
from dataclasses import dataclass
from typing import Literal

from flask import Request, Response

from common.http.endpoint import endpoint
from common.http.json_response import json_response


@dataclass(frozen=True)
class HealthDocument:
    """The service answers."""

    status: Literal["ok"]


@endpoint(answers={200: HealthDocument}, log_level=logging.DEBUG)
def health(_request: Request) -> Response:
    """Answer 200, whatever the database does: this tells whether the function answers, and nothing else."""
    return json_response(HealthDocument(status="ok"))
