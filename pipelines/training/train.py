"""Training that goes on wherever it was stopped, and keeps the best weights."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import tensorflow as tf

from pipelines.cluster.team import Team
from pipelines.configuration.training import Training
from pipelines.training.checkpoints import History
from pipelines.training.loop import Loop
from pipelines.training.negatives import Candidates, with_negatives
from pipelines.training.pretrain import pretrain
from tfrs_afm.types import Dataset, Model


class Trainer(Protocol):
    """What `pipelines.train` asks of a training loop; `train` is the one that is there."""

    def __call__(
        self,
        model: Model,
        batches: Callable[[int, int], Any],
        validation: Dataset,
        folder: Path,
        training: Training,
        *,
        resume: bool,
        data: Mapping[str, Any],
        candidates: Candidates | None,
        strategy: Any,
        on_epoch: Callable[[Mapping[str, Any]], None] | None,
    ) -> History:
        """Trains a compiled model and leaves it with the weights that are to be kept.

        Args:
            model: See `train`, as for all that follows.
            batches: `batches(epoch, skip)`, a data set.
            validation: A data set, or None.
            folder: The folder of the run.
            training: The section of the configuration.
            resume: Whether to go on with what is in `folder`.
            data: What decides the batches.
            candidates: From what negatives are sampled.
            strategy: The `tf.distribute` strategy of the model.
            on_epoch: To be called with the record of each epoch.

        Returns:
            The learning curve and the best epoch.
        """
        ...


def train(
    model: Model,
    batches: Callable[[int, int], Any],
    validation: Dataset,
    folder: Path,
    training: Training,
    *,
    resume: bool = False,
    data: Mapping[str, Any] | None = None,
    candidates: Candidates | None = None,
    strategy: Any = None,
    description: str = "Training",
    on_epoch: Callable[[Mapping[str, Any]], None] | None = None,
) -> History:
    """Trains a compiled model and leaves it with the weights of its best epoch.

    Writes to `folder`: `history.jsonl`, a line an epoch; `logs`, for TensorBoard; `checkpoints`,
    from which a run that was stopped at any moment, also by SIGKILL, goes on with `resume`, and
    then ends with the same weights and metrics, bit for bit, as one that was never stopped on the
    same machine. (With tf_keras' own optimizers nearly so: their dense updates were seen to differ
    in the sixth digit between any two runs on a busy machine.) With `training.pretraining` there
    is a folder of that name, which is a run of its own. On SIGTERM a checkpoint is written and the
    process exits with status 143.

    Args:
        model: A compiled `tfrs.Model`, as those of `tfrs_afm.models`, which are built here where
            they are not yet. Its optimizer is its own: `training.optimizer` is not looked at (see
            `make_optimizer`).
        batches: `batches(epoch, skip)` gives epoch `epoch`, from 0, without its first `skip`
            batches, as a `tf.data.Dataset` of `(features, labels)` or `(features, labels,
            sample_weight)`. A function of its arguments and of nothing else; all epochs are of
            one length.
        validation: A data set of such batches, or None.
        folder: The folder of the run; made where it is missing.
        training: How.
        resume: Whether to go on with what is in `folder`; a run that has not begun is begun.
        data: What decides the batches, writable as JSON, for example the files and their hash. A
            run does not go on with other data.
        candidates: From what `training.negatives` draws.
        strategy: The `tf.distribute` strategy under which the model was made and compiled;
            each batch is then split among its replicas. Of several processes each calls this
            alike, with a `folder` that all of them see and the chief writes. Under a
            `ParameterServerStrategy` the coordinator alone calls this, each batch is a step of
            some worker, and two runs do not end alike. Default: one process, one replica.
        description: What is being done, for the progress bar that a terminal shows.
        on_epoch: Called with the record of each epoch, as `history.jsonl` has it, once it is
            written. What it raises ends the run, which can then go on like any other.

    Returns:
        The learning curve and the best epoch.

    Raises:
        ValueError: If the loss is not finite, data ends early or cannot be read, the folder is in
            use or holds another run, or there is no such metric as is monitored.
        OSError: If a checkpoint cannot be written; those before it are whole.
        ConnectionError: If a process that the strategy needs is gone.
        SystemExit: With status 143, on SIGTERM.

    Example:
        >>> import tempfile, tfrs_afm
        >>> fc = tf.feature_column
        >>> film = fc.embedding_column(fc.categorical_column_with_identity("film", 9), 4)
        >>> user = fc.embedding_column(fc.categorical_column_with_identity("user", 9), 4)
        >>> model = tfrs_afm.models.AFM([film, user])
        >>> model.compile(tfrs_afm.optimizers.Adam(0.01))
        >>> rows = {"film": [1, 2, 3, 4], "user": [5, 6, 7, 8]}, [[0.0], [1.0], [0.0], [1.0]]
        >>> examples = tf.data.Dataset.from_tensor_slices(rows).batch(2)
        >>> run = Path(tempfile.mkdtemp())
        >>> def batches(epoch, skip):
        ...     return examples.skip(skip)
        >>> len(train(model, batches, examples, run, Training(epochs=2)).epochs)
        2
    """
    if set("*?[") & set(str(folder.absolute())):
        raise ValueError(
            "`folder` must have no *, ? or [ in its path, a pattern to TensorFlow when "
            f"it reads weights. Received: folder={folder}. Take another folder."
        )
    data, strategy = data or {}, strategy or tf.distribute.get_strategy()
    num_batches = getattr(batches, "num_batches", None)
    if training.negatives is not None:
        if candidates is None:
            raise ValueError(
                "`candidates` must be given to draw negatives from. Received: candidates=None, "
                f"training.negatives={training.negatives}."
            )
        batches = with_negatives(batches, training.negatives, candidates, training.seed)
    # Of several processes one writes.
    with locked_folder(folder) if Team(strategy).is_chief else contextlib.nullcontext():
        loop = Loop(
            model,
            batches,
            validation,
            folder,
            training,
            data=data,
            strategy=strategy,
            num_batches=num_batches,
        )
        if training.pretraining is not None and not loop.has_begun():
            own = folder / "pretraining"
            with strategy.scope():
                pretrain(model, batches, validation, own, training, data=data, strategy=strategy)
        return loop.run(description, resume=resume, on_epoch=on_epoch)


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder during the block.

    The lock is the kernel's: it goes with the process however that ends, so that a run that was
    killed leaves no folder locked. The file `.lock` stays and names the process that had it last.

    Args:
        folder: The folder; made where it is missing.

    Yields:
        Nothing.

    Raises:
        ValueError: If another process, or another block in this one, has the lock.

    Example:
        >>> import tempfile
        >>> with locked_folder(Path(tempfile.mkdtemp()) / "run"):
        ...     pass
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Opened without truncation: the number of the process that has it must stay readable.
    # Not through a link either: what that leads to would be emptied.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(folder / ".lock", flags, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(descriptor, 64).decode(errors="replace").strip() or "another"
            raise ValueError(
                "`folder` must not be in use by another run. Received: "
                f"folder={folder}, in use by process {owner}. Wait for it, end it, or take "
                "another folder."
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
