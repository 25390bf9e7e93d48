"""Several functions as one deployable: it answers every route of the functions that FUNCTIONS names.

For hosts that cannot route by method, or by more than the beginning of a path:
`FUNCTION_SOURCE=runtime/by_route.py FUNCTION_TARGET=by_route FUNCTIONS=list_images:upload_image`. THREADS is the sum of
what the functions need alone. Uploads take no more of them than they have alone, so that reads always find a thread.
"""

import os
import sys
from importlib import import_module

from api.endpoints import ENDPOINTS
from common.http.endpoint import declared_by, serve

_NAMES = [endpoint.name for endpoint in ENDPOINTS]


def _chosen() -> list[str]:
    """Return the names of the functions. Ends the start if there are none, or if one is unknown."""
    names = os.environ.get("FUNCTIONS", "").split(":")
    if unknown := [name for name in names if name not in _NAMES]:
        sys.exit(f"FUNCTIONS: must be names of functions with : between them, not {', '.join(unknown) or 'empty'}")
    return names


by_route = serve(
    [declared for name in _chosen() for declared in declared_by(getattr(import_module(f"functions.{name}"), name))]
)
