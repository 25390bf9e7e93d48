"""POST /images: convert an image to JPEG and store it."""

from http import HTTPStatus

from flask import Request, Response

from common import filenames
from common.auth.caller import Caller
from common.documents import ImageDocument
from common.errors import CONVERSION_PROBLEMS, MaxBytesUnreachable, Overloaded
from common.http.endpoint import endpoint
from common.http.json_response import json_response
from common.http.queue_time import waited_seconds
from common.http.upload_form import UploadForm
from common.images.convert import to_jpeg
from common.images.slots import conversion_slot
from common.observe.log import lines
from common.settings import BodySettings, ConversionSettings, DatabaseSettings, load
from common.storage import image_store


@endpoint(
    answers={201: ImageDocument},
    body=UploadForm,
    raises=[*CONVERSION_PROBLEMS, MaxBytesUnreachable, Overloaded],
    settings=[BodySettings, ConversionSettings, DatabaseSettings],
)
def upload_image(request: Request, caller: Caller, body: UploadForm) -> Response:
    """Answer 201 with what was stored."""
    settings = load(ConversionSettings)
    with conversion_slot(token=caller.actor, waited_seconds=waited_seconds(request)):
        options = body.options(settings.default_quality)
        image = to_jpeg(body.file.data, options, max_pixels=settings.max_pixels)
    stored = image_store.add(
        image.data,
        filename=filenames.clean(body.file.name),
        width=image.width,
        height=image.height,
        quality=image.quality,
        source_format=image.source_format,
    )
    lines.logger().info(
        "upload finished: id=%s width=%d height=%d quality=%d size=%d source=%s",
        *(stored.id, stored.width, stored.height, stored.quality, stored.size_bytes, stored.source_format),
    )
    response = json_response(stored.document(), HTTPStatus.CREATED, {"Location": f"/images/{stored.id}"})
    response.set_etag(stored.etag)
    return response
