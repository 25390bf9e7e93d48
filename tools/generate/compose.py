"""What docker-compose.yml has to know of the table of endpoints and of the settings."""

from collections.abc import Iterator, Mapping

from api.endpoints import ENDPOINTS, Endpoint
from common.settings import GROUPS, AddressSettings, BodySettings, CronSettings, ImageCacheSettings

_SECRETS = frozenset(("API_TOKENS", "CRON_TOKEN", "DATABASE_URL"))  # files: make up
_CPUS_OF_CONVERSIONS = 2


def parts() -> Mapping[str, Iterator[str]]:
    """Return the lines of each generated part."""
    return {"settings": _settings(), "addresses": _addresses(), "functions": _services()}


def _settings() -> Iterator[str]:
    """Yield the settings of functions. One without a value comes from .env or the environment, if it is set there."""
    fixed = {"LOG_PATH": "/var/log/image-api/app.log"}
    for group in GROUPS:
        if group not in {AddressSettings, CronSettings, ImageCacheSettings}:
            names = [name.upper() for name in group.model_fields]
            yield from (f"  {name}: {fixed.get(name, '')}".rstrip() for name in names if name not in _SECRETS)


def _addresses() -> Iterator[str]:
    """Yield what the proxy waits for, where it finds each function, and the defaults that it needs."""
    limit = BodySettings.model_fields["max_image_mb"].default
    yield "x-functions-are-healthy: &functions-are-healthy"
    yield from (f"  {endpoint.name}: {{condition: service_healthy}}" for endpoint in ENDPOINTS)
    yield "x-addresses: &addresses  # resolve: a container that is made anew has another address"
    yield f"  MAX_IMAGE_MB: ${{MAX_IMAGE_MB:-{limit}}}"
    yield "  CLIENT_MAX_SIZE_MB:"
    yield f"  IMAGE_CACHE_SECONDS: {_image_cache_seconds()}"
    yield from (f"  {each.name.upper()}_ADDRESS: {each.name}:8080 resolve" for each in ENDPOINTS)


def _services() -> Iterator[str]:
    first_port = AddressSettings.model_fields["functions_port"].default
    for port, endpoint in enumerate(ENDPOINTS, first_port):
        yield from _service(endpoint, port)


def _service(endpoint: Endpoint, port: int) -> Iterator[str]:
    variable = endpoint.name.upper()
    yield f"  {endpoint.name}:"
    yield "    <<: *function"
    yield f'    ports: ["127.0.0.1:${{{variable}_PORT:-{port}}}:8080"]'
    yield "    environment:"
    yield "      <<: *settings"
    yield f"      FUNCTION_TARGET: {endpoint.name}"
    yield f"      FUNCTION_SOURCE: functions/{endpoint.name}.py"
    if endpoint.name == "get_image":
        yield f"      IMAGE_CACHE_SECONDS: {_image_cache_seconds()}"
    if not endpoint.scope:  # health and index load neither pydantic nor psycopg: 30 MiB each when idle
        yield "    mem_limit: 128m"
    if endpoint.converts:
        yield f"      THREADS: {endpoint.threads * _CPUS_OF_CONVERSIONS}"
        # Two conversions of up to 0.9 GB each, for a WebP of MAX_PIXELS, and six bodies that wait.
        yield "    mem_limit: 2560m"
        yield f"    cpus: ${{{variable}_CPUS:-{_CPUS_OF_CONVERSIONS}}}"
    yield ""


def _image_cache_seconds() -> str:
    return f"${{IMAGE_CACHE_SECONDS:-{ImageCacheSettings.behind_our_proxy}}}"
