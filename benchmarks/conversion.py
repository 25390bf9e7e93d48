"""The conversion alone, in process: ours and plain Pillow's, turn by turn."""

import statistics
from io import BytesIO

import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

from benchmarks import convert, pictures
from benchmarks.convert import Turn
from benchmarks.report import Table, ratio

_WARM_UP, _ROUNDS = 2, 25


def run(table: Table) -> None:
    """Add a row a job."""
    table.columns = ["source", "CPU ms: Image API", "plain", "ratio", "upright first", "peak MB", "bytes", "SSIM"]
    for job in pictures.JOBS:
        source = job.source()
        with convert.workers(list(convert.CONTENDERS), source, job.quality, job.box) as workers:
            rounds = [[_turn(worker) for worker in workers] for _ in range(_WARM_UP + _ROUNDS)][_WARM_UP:]
        cpu = [[turn.cpu_ms for turn in turns] for turns in zip(*rounds, strict=True)]
        shown = [f"{statistics.median(each):.1f}" for each in cpu]
        mine, theirs, _ = rounds[-1]
        table.add(
            job.name,
            *(shown[0], shown[1], ratio(cpu[0], cpu[1]), shown[2]),
            f"{mine.peak_mb:.0f}, {theirs.peak_mb:.0f}",
            f"{len(mine.jpeg):,}, {len(theirs.jpeg):,}",
            f"{_ssim(source, mine.jpeg):.4f}, {_ssim(source, theirs.jpeg):.4f}",
        )


def _turn(worker: convert.Worker) -> Turn:
    worker.begin()
    return worker.turn()


def _ssim(source: bytes, jpeg: bytes) -> float:
    """Return how like the source, decoded in full and shrunk with Lanczos, the JPEG's luminance is."""
    converted = Image.open(BytesIO(jpeg))
    reference = Image.open(BytesIO(source)).convert("RGB").resize(converted.size, Image.Resampling.LANCZOS)
    luminances = (np.asarray(image.convert("L")) for image in (reference, converted))
    return float(structural_similarity(*luminances))  # type: ignore[no-untyped-call]  # half of it is untyped
