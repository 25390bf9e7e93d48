"""`make bench`: all jobs, or those that are named; prints Markdown."""

import sys

from benchmarks import conversion, service, startup, strain
from benchmarks.report import Table, document, machine

JOBS = {
    "conversion": (
        conversion.run,
        "Conversion",
        "`common.images` and plain Pillow in processes of their own, turn by turn.",
    ),
    "uploads": (service.uploads, "Uploads", "Service, proxy and database; CPU is service + database, an image."),
    "path": (
        service.path,
        "Upload path",
        "What multipart, request and database add to the conversion, and what the proxy adds.",
    ),
    "reads": (
        service.reads,
        "Reads",
        "16 connections. Image API with its cache off; hot: with it. A 304 is to a GET of 130 KB: plain has no ETag.",
    ),
    "startup": (
        startup.run,
        "Cold start",
        "From the start of the process to its first good answer, database and all.",
    ),
    "overload": (
        strain.overload,
        "Overload",
        "64 uploads of 24 MP at once; memory of the functions: shared pages counted once (PSS), RSS added up.",
    ),
    "steady": (strain.steady, "Steady", "1,000 small uploads, four at a time; memory is PSS."),
    "slow": (strain.slow, "Slow clients", "3 MP uploads by two clients, alone and beside 50 that send 10 KB/s each."),
}


def main(names: list[str]) -> None:
    """Run them; each row is shown on stderr as soon as it is there."""
    unknown = set(names) - set(JOBS)
    if unknown:
        sys.exit(f"No such job: {', '.join(sorted(unknown))}. There are: {', '.join(JOBS)}.")
    on, tables = machine(), []
    for name in names or JOBS:
        run, title, note = JOBS[name]
        tables.append(Table(title, note))
        run(tables[-1])
    sys.stdout.write(document(on, tables))


if __name__ == "__main__":
    main(sys.argv[1:])
