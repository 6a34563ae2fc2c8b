"""A log of events to training examples on Apache Beam."""

import glob
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.events.beam_records import split_line
from pipelines.events.event import event_spec
from pipelines.events.prepared import Prepared, check_replaceable
from pipelines.events.settings import EventSettings
from pipelines.files.atomic import atomic_folder, content_hash
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.readers.bad_rows import missing_column, require_few
from pipelines.readers.csv_format import weights_of
from pipelines.readers.files import find_files

_HERE = ("--runner=FnApiRunner", "--direct_running_mode=multi_processing", "--direct_num_workers=0")
_NOT_ON_BEAM = ("quoting", "comment", "encoding", "max_cell_size", "max_line_size")
_MESSAGE = re.compile(r"(?:ValueError|RuntimeError): ([`A][^\n]*)")


def prepare_with_beam(
    settings: EventSettings,
    out: str | Path,
    beam_arguments: Sequence[str] = (),
    exact_values: int = 1_000_000,
) -> Prepared:
    """Writes prepared examples on the machines of any runner of Beam.

    The examples, vocabularies, bounds and splits are those of `prepare_in_memory`; only the order
    of the examples in the shards is left to the runner. No machine holds more than one user's
    `max_events` events, what is fitted, and - for negatives - the items of the training split.

    Args:
        settings: The log and the examples to make of it.
        out: The folder. On this machine it appears whole or not at all, and replaces examples
            that are there. On another file system of Beam (`gs://...`), which cannot rename a
            folder, it must hold no examples yet; each file appears whole and `feature_spec.json`
            comes last, so a folder without it is not ready.
        beam_arguments: Options of Beam, such as `--runner=FlinkRunner`. Without a runner,
            processes of this machine work, one a core.
        exact_values: The split by time and bounds are exact up to this many distinct values of a
            column; beyond that, `Prepared.rank_errors` bounds their distance from the asked rank.

    Returns:
        The description of the examples, and what was counted.

    Raises:
        ImportError: If Apache Beam is not installed.
        ValueError: As `prepare_in_memory`.
    """
    try:
        from apache_beam.io.filesystems import FileSystems
    except ImportError as error:
        raise ImportError(
            "apache-beam must be installed to prepare with it. Run: pip install 'tfrs-afm[beam]'."
        ) from error
    for name, field in type(settings).model_fields.items():
        if name in _NOT_ON_BEAM and getattr(settings, name) != field.default:
            raise ValueError(
                f"`{name}` must be left out on Beam, whose workers read single lines of UTF-8. "
                f"Received: {name}={getattr(settings, name)!r}. Prepare in memory, or write the "
                "log otherwise."
            )
    arguments = list(beam_arguments)
    if not any(word.split("=")[0] == "--runner" for word in arguments):
        arguments = [*_HERE, *arguments]
    files, patterns = _find(settings)
    key = content_hash(
        [],
        {
            "files": sorted(files.items()),
            "settings": settings.model_dump(mode="json", exclude={"max_bad_rows"}),
        },
    )
    read, header = _with_names(settings, min(files))
    read = read.model_copy(update={"files": patterns})
    if "://" not in str(out):
        check_replaceable(Path(out))
        with atomic_folder(Path(out)) as folder:
            results = _run(read, header, str(folder), arguments, exact_values)
            prepared = _prepared(settings, key, results)
            prepared.write(folder)
        return prepared
    if FileSystems.exists(FileSystems.join(str(out), FeatureSpec.FILE)):
        raise ValueError(
            f"`out` must hold no examples yet. Received: out={out}, which does. Name another."
        )
    results = _run(read, header, str(out), arguments, exact_values)
    prepared = _prepared(settings, key, results)
    with tempfile.TemporaryDirectory() as local:
        prepared.write(Path(local))
        for name in (Prepared.FILE, FeatureSpec.FILE):
            with FileSystems.create(FileSystems.join(str(out), name)) as file:
                file.write(Path(local, name).read_bytes())
    return prepared


def _find(settings: EventSettings) -> tuple[dict[str, tuple[int, float]], tuple[str, ...]]:
    """Returns the files, and patterns that name each of them once to Beam.

    With a file are its size and time, which stand for its contents in the key.
    """
    from apache_beam.io.filesystems import FileSystems

    found: dict[str, tuple[int, float]] = {}
    read: list[str] = []
    for pattern in dict.fromkeys(settings.files):
        matched = {
            file.path: (file.size_in_bytes, file.last_updated_in_seconds or 0.0)
            for file in FileSystems.match([pattern])[0].metadata_list
        }
        files = matched
        if "://" not in pattern:  # here a path is taken at its word first, as everywhere
            files = {str(path): _stamp(path) for path in find_files([pattern], "files")}
        elif not matched:
            raise ValueError(
                f"`files` must name files. Received: files={pattern!r}, which names none. Correct "
                "the path."
            )
        # A pattern stays one, for Beam to spread, unless it means other files there or some that
        # came before.
        plain = files.keys() == matched.keys() and not files.keys() & found.keys()
        read += (
            [pattern]
            if plain
            else [_pattern_of(path) for path in sorted(files.keys() - found.keys())]
        )
        found |= files
    if not any(size for size, _ in found.values()):
        raise ValueError(f"`files` must hold rows. Received: {len(found)} empty files.")
    return found, tuple(read)


def _pattern_of(path: str) -> str:
    """Returns a pattern that names one file, whatever characters are in its path."""
    from apache_beam.io.filesystems import FileSystems

    loose = re.sub(r"[\[\]*?]", "?", path)
    if [file.path for file in FileSystems.match([loose])[0].metadata_list] == [path]:
        return loose  # Python warns of the strict one below where Beam makes a regex of it
    return glob.escape(path)


def _stamp(path: Path) -> tuple[int, float]:
    status = path.stat()
    return status.st_size, status.st_mtime


def _with_names(
    settings: EventSettings, first: str
) -> tuple[EventSettings, tuple[str, ...] | None]:
    """Reads the header of CSV once, here: who reads the middle of a file does not see it."""
    from pipelines.events.beam_records import open_stream

    if settings.format != "csv":
        return settings, None
    header = None
    names = settings.names
    if settings.header:
        with open_stream(first) as file:
            header = tuple(split_line(file.readline(), settings.delimiter))
        names = names or header
    known = (*(names or ()), *map(weights_of, settings.pairs))
    for name in settings.dtypes:
        if name not in known:
            raise missing_column(name, Path(first), names or ())
    return settings.model_copy(update={"names": names}), header


def _run(
    settings: EventSettings,
    header: Sequence[str] | None,
    folder: str,
    arguments: Sequence[str],
    exact_values: int,
) -> list[list[Any]]:
    import apache_beam as beam
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.runner import PipelineState

    from pipelines.events.beam_pipeline import RESULTS, add_preparation

    pipeline = beam.Pipeline(options=PipelineOptions(arguments))
    add_preparation(pipeline, settings, header, folder, exact_values)
    try:
        state = pipeline.run().wait_until_finish()
    except Exception as error:
        # Runners wrap what a worker raised, with its stack and its causes, in their own error.
        if "KeyboardInterrupt" in str(error):
            raise KeyboardInterrupt from error
        messages = _MESSAGE.findall(f"{type(error).__name__}: {error}")
        if messages:
            raise ValueError(messages[-1].split(" [while running ")[0]) from error
        raise RuntimeError(
            f"The runner must end without an error. Received: {str(error).strip()[-500:]}"
        ) from error
    if state != PipelineState.DONE:
        raise RuntimeError(f"The runner must end without an error. Received: {state}.")
    path = FileSystems.join(folder, RESULTS)
    with FileSystems.open(path) as file:
        results = [json.loads(line) for line in file.read().splitlines()]
    FileSystems.delete([path])
    return results


def _prepared(settings: EventSettings, key: str, results: list[list[Any]]) -> Prepared:
    from pipelines.events.beam_records import ParseRecords

    found: dict[str, dict[str, Any]] = {
        "fitted": {},
        "rank_errors": {},
        "parts": {},
        "counters": {},
    }
    for kind, name, value in results:
        found[kind][name] = value
    parts = {}
    for part in settings.parts:
        names = tuple(
            f"{part}-{number:05d}-of-{settings.num_shards:05d}.tfrecord"
            for number in range(settings.num_shards)
        )
        parts[part] = FeatureSpec.Part(names, *found["parts"][part])
    users, rows, capped_users, capped_events = found["counters"]["users"]
    bad_rows, places = found["counters"]["bad_rows"]
    bad_places = tuple(
        ParseRecords.place(problem, file, offset) for file, offset, problem in places
    )
    require_few(bad_rows, rows, settings.max_bad_rows, bad_places)
    return Prepared(
        event_spec(settings, key, found["fitted"], parts),
        rows=rows,
        bad_rows=bad_rows,
        bad_places=bad_places,
        users=users,
        capped_users=capped_users,
        capped_events=capped_events,
        rank_errors=found["rank_errors"],
    )
