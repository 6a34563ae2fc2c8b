"""The loop over epochs."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.cluster.team import Team
from pipelines.configuration.training import Training
from pipelines.files.atomic import read_json, write_text
from pipelines.training.checkpoints import Checkpoints, History, RunState
from pipelines.training.identity import (
    describe_run,
    forms_of_epoch,
    make_variables,
    megabytes,
    refuse_other_run,
)
from pipelines.training.records import Profile, Records, termination, train_progress, value_of
from pipelines.training.schedule import is_best_epoch, learning_rate_factor, weigh_classes
from pipelines.training.step_randomness import step_randomness
from pipelines.training.steps import ScheduledSteps, Steps
from pipelines.training.weight_average import WeightAverage
from tfrs_afm._host import full_precision
from tfrs_afm.kernels.library import form_here
from tfrs_afm.types import Dataset, Model

_TERMINATED = 128 + 15  # what a shell says of a process that SIGTERM ended


class Loop:
    """A run of training: one object for one call of `train`, where the arguments are described.

    What a checkpoint holds decides all that follows it: the batches are a function of epoch and
    number, dropout of seed and step, and everything else is a variable or in `RunState`.
    """

    def __init__(
        self,
        model: Model,
        batches: Callable[[int, int], Any],
        validation: Dataset,
        folder: Path,
        training: Training,
        *,
        data: Mapping[str, Any],
        strategy: Any,
        num_batches: int | None = None,
    ) -> None:
        self._num_batches = num_batches
        self._model, self._batches, self._validation = model, batches, validation
        self._folder, self._training, self._data = folder, training, data
        self._strategy, self._team = strategy, Team(strategy)
        self._state = RunState()
        self._check_monitor()
        with strategy.scope():
            make_variables(model, training.seed)
            model.optimizer.build(model.trainable_variables)
            self._step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
            self._scale = tf.Variable(1.0, trainable=False, name="learning_rate_scale")
            self._average = (
                None
                if training.ema is None
                else WeightAverage(model.trainable_variables, training.ema)
            )
        self._description = describe_run(model, training, data)
        self._rate = self._full_rate()
        profiled = training.profile_batch if self._team.is_chief else None
        self._profile = Profile(folder / "logs" / "train", profiled)
        scheduled = isinstance(strategy, tf.distribute.ParameterServerStrategy)
        steps: Any = ScheduledSteps if scheduled else Steps
        self._train_steps = steps(model.train_step, strategy, self._before_step, self._after_step)
        # As the model is used: half precision is for training, and rounded scores have ties.
        self._test_steps = Steps(full_precision(model)(model.test_step), strategy)
        self._checkpoints = Checkpoints(
            folder / "checkpoints",
            tf.train.Checkpoint(
                model=model,
                optimizer=model.optimizer,
                metrics=list(model.metrics),
                step=self._step,
                average=self._average or tf.Module(),
            ),
            tf.train.Checkpoint(model=model),
            training.keep_checkpoints,
            writes=self._team.is_chief,
        )

    def has_begun(self) -> bool:
        """Whether the folder holds a run."""
        # The chief looks, for it is soon to write there.
        there = self._team.is_chief and self._checkpoints.last() is not None
        return any(self._team.sums(int(there)))

    def run(
        self,
        description: str,
        *,
        resume: bool,
        on_epoch: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> History:
        """Trains until the epochs are over or there is no hope."""
        with self._strategy.scope(), contextlib.ExitStack() as stack:
            self._run(stack, description, resume=resume, on_epoch=on_epoch)
            return self._finished()

    def _run(
        self,
        stack: contextlib.ExitStack,
        description: str,
        *,
        resume: bool,
        on_epoch: Callable[[Mapping[str, Any]], None] | None,
    ) -> None:
        training, is_chief = self._training, self._team.is_chief
        self._begin(resume=resume)
        records = None
        if is_chief:
            records = stack.enter_context(
                contextlib.closing(Records(self._folder, self._state.history))
            )
            stack.enter_context(contextlib.closing(self._profile))
        stack.enter_context(step_randomness(self._model, training.seed, self._step))
        self._asked = stack.enter_context(termination())
        self._show: Callable[[RunState], None] = lambda state: None
        if is_chief:
            self._show = stack.enter_context(
                train_progress(description, training.epochs, self._num_batches)
            )
        while not self._ended():
            if self._state.trained is None:
                self._train_epoch()
            self._end_epoch()
            if records is not None:
                records.add(self._state.history)
            if on_epoch is not None and is_chief:
                on_epoch(self._state.history[-1])

    def _finished(self) -> History:
        training, state = self._training, self._state
        if state.best_step is None or state.best_epoch is None:
            raise ValueError(
                f"`model` must have a finite {training.early_stopping.monitor}. Received: "
                f"{training.early_stopping.monitor}=nan after each epoch. Take a smaller learning "
                "rate; or, if it needs examples of both classes, a split that has them."
            )
        self._checkpoints.restore_best(state.best_step)
        return History(
            epochs=state.history,
            best_epoch=state.best_epoch,
            best=state.best,
            ended_by="epochs" if state.epoch >= training.epochs else "early_stopping",
        )

    # The beginning.

    def _begin(self, *, resume: bool) -> None:
        described = self._folder / "checkpoints" / "run.json"
        if not self.has_begun():
            self._model.reset_metrics()
            if self._average is not None:
                self._average.restart()  # the weights may have been trained before
            if self._team.is_chief:
                write_text(described, json.dumps(self._description))
            self._note_kernels()
            self._checkpoints.save(self._state)
            return
        if not resume:
            raise ValueError(
                "`folder` must not hold another run, unless it is to go on. Received: "
                f"folder={self._folder}, resume=False. Pass resume=True, or take another folder."
            )
        refuse_other_run(read_json(described), self._description)
        self._state = self._checkpoints.restore()
        self._note_kernels()
        self._scale.assign(self._state.learning_rate_scale)
        if self._state.epoch > self._training.epochs:
            raise ValueError(
                "`epochs` must not be less than what is done. Received: "
                f"epochs={self._training.epochs} of a run with {self._state.epoch}."
            )

    def _note_kernels(self) -> None:
        state = self._state
        begun = state.batch > 0 and state.trained is None
        state.kernels = forms_of_epoch(state.kernels, form_here(), begun=begun)

    def _check_monitor(self) -> None:
        stopping = self._training.early_stopping
        name = stopping.monitor
        here = [metric.name for metric in self._model.metrics]
        known = [*here, *(f"val_{one}" for one in here)]
        if name not in known:
            raise ValueError(
                f"`monitor` must be one of {', '.join(known)}. Received: monitor={name!r}."
            )
        if self._validation is None and name.startswith("val_") and stopping.patience is not None:
            raise ValueError(
                "`validation` must be given to stop early by its metrics. Received: "
                f"validation=None, monitor={name!r}. Monitor {name.removeprefix('val_')!r}, or "
                "leave out patience."
            )

    def _full_rate(self) -> float | None:
        """The learning rate that a schedule multiplies, or None without a schedule."""
        schedule = self._training.schedule
        flat = schedule.kind == "constant" and not schedule.warmup_steps
        if flat and schedule.plateau_patience is None:
            return None
        rate = self._model.optimizer.get_config()["learning_rate"]
        if isinstance(rate, dict):
            raise ValueError(
                "`schedule` must be the only one. Received: an optimizer with a "
                "LearningRateSchedule of its own. Compile the model with a number."
            )
        return float(rate)

    # One step, traced once.

    def _before_step(self) -> None:
        if self._rate is not None:
            factor = learning_rate_factor(self._training.schedule, self._step)
            self._model.optimizer.learning_rate.assign(self._rate * self._scale * factor)

    def _after_step(self) -> None:
        step = self._step.assign_add(1, read_value=True)
        if self._average is not None:
            self._average.update(tf.convert_to_tensor(step))

    # One epoch.

    def _train_epoch(self) -> None:
        state, training = self._state, self._training
        if state.batch == 0:
            self._model.reset_metrics()
        dataset = self._batches(state.epoch, state.batch)
        if training.class_weights is not None:
            dataset = weigh_classes(dataset, training.class_weights)
        iterator = iter(self._team.distribute(dataset))
        saved, saved_at = state.step, time.monotonic()
        ended = False
        while not ended:
            want = training.steps_per_call
            if training.checkpoint_every:
                want = min(want, saved + training.checkpoint_every - state.step)
            want = min(want, self._profile.most(state.step) or want)
            self._profile.at(state.step)
            began = time.monotonic()
            with self._explained():
                done = self._train_steps(iterator, want)
            self._require_finite(finite=done.finite)
            state.seconds += time.monotonic() - began
            state.batch += done.steps
            state.step += done.steps
            state.rows += done.rows
            state.waited += done.waited
            ended = done.steps < want
            self._show(state)
            if ended:
                break
            now = time.monotonic()
            due = training.checkpoint_every and state.step - saved >= training.checkpoint_every
            seconds = training.checkpoint_every_seconds
            late = bool(seconds) and now - saved_at >= (seconds or 0.0)
            if due or any(self._team.sums(int(late and self._team.is_chief))):
                self._checkpoints.save(self._state)
                saved, saved_at = state.step, now
            self._end_if_asked()
        self._profile.close()
        self._check_length()
        state.trained = self._results(with_groups=False)
        state.trained |= {
            **megabytes(self._model),
            "learning_rate": float(tf.convert_to_tensor(self._model.optimizer.learning_rate)),
            "seconds": state.seconds,
            "examples_per_second": state.rows / max(state.seconds, 1e-9),
            "step_seconds": state.seconds / max(state.batch, 1),
            "input_wait": state.waited / max(state.seconds, 1e-9),
            "kernels": ", then ".join(state.kernels),
        }
        self._end_if_asked()

    def _end_epoch(self) -> None:
        state, training = self._state, self._training
        record = {"epoch": state.epoch, "step": state.step, **(state.trained or {})}
        average = self._average
        with contextlib.nullcontext() if average is None else average.in_place():
            ended = self._evaluate(record)
            if not ended and is_best_epoch(state, record, training, self._rate):
                self._checkpoints.save_best(state.step)
        if ended:
            self._end_if_asked()
        self._scale.assign(state.learning_rate_scale)
        if average is not None and training.ema is not None and training.ema.overwrite:
            average.overwrite()
        state.history.append(record)
        state.epoch, state.batch, state.trained = state.epoch + 1, 0, None
        state.rows, state.seconds, state.waited = 0, 0.0, 0.0
        state.kernels = state.kernels[-1:]
        self._model.reset_metrics()  # those of groups hold every example
        self._checkpoints.save(self._state)

    def _evaluate(self, record: dict[str, Any]) -> bool:
        """Adds the metrics of validation; returns whether SIGTERM came before they were whole."""
        if self._validation is None:
            return False
        self._model.reset_metrics()
        iterator = iter(self._team.distribute(self._validation))
        most = self._training.steps_per_call
        with self._explained():
            while self._test_steps(iterator, most).steps == most:
                if self._asked_to_end():
                    self._model.reset_metrics()
                    return True
        results = self._results(with_groups=True)
        record |= {f"val_{name}": value for name, value in results.items()}
        return False

    def _ended(self) -> bool:
        patience = self._training.early_stopping.patience
        hopeless = patience is not None and self._state.epochs_without_better >= patience
        return hopeless or self._state.epoch >= self._training.epochs

    # Parts.

    def _asked_to_end(self) -> bool:
        """Whether SIGTERM came, to whichever process."""
        return any(self._team.sums(int(self._asked())))

    def _results(self, *, with_groups: bool) -> dict[str, Any]:
        grouped = tfrs_afm.tasks.metrics.GroupedMetric
        return {
            metric.name: value_of(metric)
            for metric in self._model.metrics
            if with_groups or not isinstance(metric, grouped)
        }

    def _end_if_asked(self) -> None:
        if self._asked_to_end():
            self._checkpoints.save(self._state)
            raise SystemExit(_TERMINATED)

    def _check_length(self) -> None:
        state = self._state
        expected = state.batches_per_epoch or state.batch
        if not state.batch or state.batch != expected:
            raise ValueError(
                "`batches` must give as many batches in each epoch, at least one. Received: "
                f"{state.batch} in epoch {state.epoch}, {expected or 'none'} expected. Look for "
                f"files that were cut, then go on with resume=True. {self._last_good()}"
            )
        state.batches_per_epoch = expected

    def _require_finite(self, *, finite: bool) -> None:
        if not finite:
            step = int(tf.convert_to_tensor(self._step))
            raise ValueError(
                "`model` must have a finite loss. Received: loss=nan or inf in epoch "
                f"{self._state.epoch}, by step {step}. Take a smaller learning rate, or look for "
                f"NaN in the numbers of the data. {self._last_good()}"
            )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns TensorFlow's errors into what went wrong, and with what to go on."""
        try:
            yield
        except tf.errors.InvalidArgumentError as error:
            if "`loss` must be finite" in error.message:
                self._require_finite(finite=False)
            error.add_note(self._last_good())
            raise
        except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
            raise ConnectionError(
                f"`strategy` must keep its machines. Received: '{_cause(error)}' in epoch "
                f"{self._state.epoch}. Start all of them again, with resume=True. "
                f"{self._last_good()}"
            ) from error
        except (tf.errors.NotFoundError, tf.errors.DataLossError) as error:
            raise ValueError(
                f"`batches` must be readable to the end. Received: '{_cause(error)}' in epoch "
                f"{self._state.epoch}. Restore the data, then go on with resume=True. "
                f"{self._last_good()}"
            ) from error

    def _last_good(self) -> str:
        return f"The last checkpoint is {self._checkpoints.last()}."


def _cause(error: Any) -> str:
    """What went wrong, without TensorFlow's account of where in the graph."""
    noise = ("Graph execution error", "Detected at", "  File", "\t [[")
    lines = [line for line in error.message.splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith(noise))
