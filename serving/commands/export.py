"""`python -m serving export`."""

import argparse
import sys
from itertools import islice
from pathlib import Path

from serving.commands.command import Command
from serving.publishing.is_object_store import is_object_store
from serving.publishing.write_server_files import write_server_files
from serving.records import read_records

_EXAMPLES = 16


def _add_arguments(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument("--tolerance", type=float, default=1e-5, help="how far answers may be off")
    parser.add_argument("--keep_last", type=int, help="remove all versions but so many")
    parser.add_argument(
        "--server_files",
        action="store_true",
        help="write models.config, batching_parameters.txt, monitoring.txt and compose.yaml "
        "beside the base path, where they are not there yet",
    )


def _run(arguments: argparse.Namespace) -> int:
    examples = None
    if arguments.examples is not None:
        examples = list(islice(read_records(arguments.examples), _EXAMPLES))
    if arguments.server_files and is_object_store(arguments.base_path):
        raise ValueError(
            "`server_files` must be left out for an object store. Received: base_path="
            f"{arguments.base_path}. The files mount a local folder; where the server can read "
            "the store, give it the address."
        )
    if not arguments.model.exists():
        raise ValueError(
            f"`model` must be a .keras file. Received: model={arguments.model}, which is not "
            "there. Save the model with `model.save('model.keras')`."
        )
    import tfrs_afm  # noqa: F401  selects Keras 2 and registers our classes
    import tensorflow as tf  # isort: skip
    from serving.exporting.export import export

    path = export(
        tf.keras.models.load_model(arguments.model, compile=False),
        arguments.base_path,
        examples=examples,
        candidate_features=arguments.candidate_features,
        tolerance=arguments.tolerance,
        keep_last=arguments.keep_last,
    )
    sys.stdout.write(f"{path}\n")
    if arguments.server_files:
        for file in write_server_files(arguments.base_path):
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
    add_arguments=_add_arguments,
    run=_run,
)
