"""The same contract's core as most would write it: aiohttp, asyncpg, Pillow in a thread, one process, no tricks."""

import asyncio
import logging
import os
import sys
from uuid import UUID, uuid4

import asyncpg  # type: ignore[import-untyped]  # it ships no types
from aiohttp import BodyPartReader, web

from benchmarks import plain

_POOL = web.AppKey("pool", asyncpg.Pool)
_AUTHORIZATION = f"Bearer {os.environ.get('TOKEN', '')}"
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS plain_images
        (id uuid PRIMARY KEY, filename text, data bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now())
"""


async def upload(request: web.Request) -> web.Response:
    """Answer 201 with what was stored."""
    _authenticate(request)
    fields: dict[str, bytes] = {}
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name:
            fields[part.name] = bytes(await part.read())
    quality, x, y = (int(fields.get(name, default)) for name, default in (("quality", 85), ("x", 0), ("y", 0)))
    box = (x, y) if x and y else None
    data = await asyncio.get_running_loop().run_in_executor(None, plain.convert, fields["file"], quality, box)
    image_id = uuid4()
    insert = "INSERT INTO plain_images (id, filename, data) VALUES ($1, $2, $3)"
    await request.app[_POOL].execute(insert, image_id, "photo.jpg", data)
    document = {"id": str(image_id), "quality": quality, "size_bytes": len(data), "content_type": "image/jpeg"}
    return web.json_response(document, status=201, headers={"Location": f"/images/{image_id}"})


async def read(request: web.Request) -> web.Response:
    """Answer 200 with the JPEG."""
    _authenticate(request)
    image_id = UUID(request.match_info["id"])
    data = await request.app[_POOL].fetchval("SELECT data FROM plain_images WHERE id = $1", image_id)
    if data is None:
        raise web.HTTPNotFound
    return web.Response(body=data, content_type="image/jpeg")


async def health(_request: web.Request) -> web.Response:
    """Answer 200."""
    return web.json_response({"status": "ok"})


def _authenticate(request: web.Request) -> None:
    if request.headers.get("Authorization") != _AUTHORIZATION:
        raise web.HTTPUnauthorized


async def _open(app: web.Application) -> None:
    app[_POOL] = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=8)
    await app[_POOL].execute(_SCHEMA)


def main(port: int) -> None:
    """Serve until SIGTERM."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # of callers who hang up it says a page each
    app = web.Application(client_max_size=20 << 20)
    app.add_routes([web.post("/images", upload), web.get("/images/{id}", read), web.get("/health", health)])
    app.on_startup.append(_open)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
