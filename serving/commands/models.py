"""What `python -m serving` does with models: export, publish, rollback, verify, serve."""

import argparse
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from itertools import islice
from pathlib import Path

from serving.commands.command import Command
from serving.publishing.names import is_object_store
from serving.publishing.publish import publish, rollback
from serving.publishing.server_files import PLATFORMS, write_server_files
from serving.server.options import add_flags, options_from, without_effect
from serving.wire.records import read_records

_EXAMPLES = 16


def _add_export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="a model saved with model.save, a .keras file")
    parser.add_argument(
        "base_path", help="the model's folder of versions, or an address with '://'"
    )
    parser.add_argument(
        "--candidate_features", nargs="+", help="the features that a candidate brings in `rank`"
    )
    parser.add_argument(
        "--examples", type=Path, help="TFRecord file of tf.Examples; 16 become golden rows"
    )
    parser.add_argument(
        "--allow_module",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module of yours, as package.module, that is imported and whose classes and "
        "functions the model may name; may be repeated",
    )
    parser.add_argument("--tolerance", type=float, default=1e-5, help="how far answers may be off")
    parser.add_argument(
        "--tables",
        choices=("float32", "float16", "int8"),
        default="float32",
        help="how the rows of embedding tables are kept; the smaller ones are not exact",
    )
    parser.add_argument(
        "--table_tolerance",
        type=float,
        default=0.05,
        help="how far answers may be off with small tables",
    )
    parser.add_argument("--keep_last", type=int, help="keep only the newest N versions")
    parser.add_argument(
        "--server_files",
        action="store_true",
        help="write models.config, batching_parameters.txt, monitoring.txt and compose.yaml "
        "beside the base path, where they are not there yet",
    )
    parser.add_argument(
        "--server_files_for",
        nargs="+",
        choices=PLATFORMS,
        default=[],
        help="write these files, and those of the platforms named",
    )


def _export(arguments: argparse.Namespace) -> int:
    wanted = arguments.server_files or arguments.server_files_for
    if wanted and is_object_store(arguments.base_path):
        raise ValueError(
            "`server_files` must be left out for an object store. Received: base_path="
            f"{arguments.base_path}. The files mount a local folder; where the server can read "
            "the store, give it the address."
        )
    examples = None
    if arguments.examples is not None:
        examples = list(islice(read_records(arguments.examples), _EXAMPLES))
    if not arguments.model.exists():
        raise ValueError(
            f"`model` must be a .keras file. Received: model={arguments.model}, which is not "
            "there. Save the model with `model.save('model.keras')`."
        )
    import tfrs_afm
    from serving.exporting.export import export

    path = export(
        tfrs_afm.models.load_model(arguments.model, allow_modules=arguments.allow_module),
        arguments.base_path,
        examples=examples,
        candidate_features=arguments.candidate_features,
        tolerance=arguments.tolerance,
        tables=arguments.tables,
        table_tolerance=arguments.table_tolerance,
        keep_last=arguments.keep_last,
    )
    sys.stdout.write(f"{path}\n")
    if wanted:
        for file in write_server_files(arguments.base_path, platforms=arguments.server_files_for):
            sys.stdout.write(f"{file}\n")
    return 0


EXPORT = Command(
    name="export",
    summary="publish a saved Keras model as the next version, verified",
    description=(
        "Loads a trained model, saves it with TensorFlow Serving's signatures (predict, classify, "
        "regress, rank, tensors, explain), has a fresh process compare its answers with the "
        "model's, and publishes it as the next version. Prints the version's folder."
    ),
    example="python -m serving export ranker.keras models/ranker --candidate_features movie_id",
    add_arguments=_add_export_arguments,
    run=_export,
)


def _add_publish_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "saved_model", help="folder that holds saved_model.pb, or its address with '://'"
    )
    parser.add_argument(
        "base_path", help="the model's folder of versions, or an address with '://'"
    )
    parser.add_argument("--keep_last", type=int, help="keep only the newest N versions")


def _publish(arguments: argparse.Namespace) -> int:
    def copy(folder: Path) -> None:
        if is_object_store(arguments.saved_model):
            from serving.publishing.object_store import download

            download(arguments.saved_model, folder)
        else:
            shutil.copytree(arguments.saved_model, folder, dirs_exist_ok=True)

    path = publish(copy, arguments.base_path, keep_last=arguments.keep_last)
    sys.stdout.write(f"{path}\n")
    return 0


PUBLISH = Command(
    name="publish",
    summary="copy a SavedModel to a base path as its next version",
    description=(
        "Copies a SavedModel into a hidden folder of the base path, forces it to disk, and "
        "renames it to the next version number, so that no server sees it half there. Prints "
        "the folder of the new version."
    ),
    example="python -m serving publish build/saved_model models/ranker --keep_last 3",
    add_arguments=_add_publish_arguments,
    run=_publish,
)


def _add_rollback_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "base_path", help="the model's folder of versions, or an address with '://'"
    )
    parser.add_argument(
        "--to_version", type=int, help="the version to publish again; default: the second highest"
    )


def _rollback(arguments: argparse.Namespace) -> int:
    sys.stdout.write(f"{rollback(arguments.base_path, arguments.to_version)}\n")
    return 0


ROLLBACK = Command(
    name="rollback",
    summary="publish an earlier version again, under a new number",
    description=(
        "Copies an earlier version to the next version number. Servers take the highest number, "
        "so the way back is a new version. Prints its folder."
    ),
    example="python -m serving rollback models/ranker --to_version 7",
    add_arguments=_add_rollback_arguments,
    run=_rollback,
)


def _add_verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", help="a version folder, the one with saved_model.pb, or its address with '://'"
    )


def _verify(arguments: argparse.Namespace) -> int:
    from serving.verification import verify

    if is_object_store(arguments.path):
        from serving.publishing.object_store import download

        with tempfile.TemporaryDirectory() as temporary:
            download(arguments.path, Path(temporary))
            rows = verify(Path(temporary))
    else:
        rows = verify(Path(arguments.path))
    sys.stdout.write(f"{rows} golden rows answered as the trained model did\n")
    return 0


VERIFY = Command(
    name="verify",
    summary="compare a version's answers with the trained model's",
    description=(
        "Loads a version that `serving.export` wrote, by the C library that is inside TensorFlow "
        "Serving, and asks every signature its golden rows: at once, in pairs and one by one. "
        "Exits with status 1 and says which row of which signature differs by how much."
    ),
    example="python -m serving verify models/ranker/3",
    add_arguments=_add_verify_arguments,
    run=_verify,
)


def _serve(arguments: argparse.Namespace) -> int:
    options = options_from(arguments)
    from serving.server.local_server import LocalServer  # brings TensorFlow's stubs, seconds
    from serving.status_error import StatusError

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    for name in without_effect(arguments):
        logging.getLogger(__name__).warning("--%s does nothing here", name)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server = LocalServer(options)
    try:
        server.start()
    except StatusError as error:
        sys.stderr.write(f"Failed to start server. Error: {error}\n")
        return 1
    ready = {"grpc": server.grpc_address, "rest": server.rest_url, "pid": os.getpid()}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    stop.wait()
    server.stop()
    return 0


SERVE = Command(
    name="serve",
    summary="serve models over gRPC and REST, for development and tests",
    description=(
        "Serves the versions under a base path as TensorFlow Serving's model server would: the "
        "same gRPC and REST, the same answers and errors, the same watch for new versions. It is "
        "for development and tests, not for production: one Python process, loopback unless told "
        "otherwise. It takes the flags of tensorflow_model_server; those without a meaning here "
        "are named in the log. Prints one JSON line with its addresses when it "
        "is ready. SIGTERM or Ctrl-C lets running requests finish."
    ),
    example="python -m serving serve --model_name ranker --model_base_path $PWD/models/ranker "
    "--port 8500 --rest_api_port 8501",
    add_arguments=add_flags,
    run=_serve,
)
