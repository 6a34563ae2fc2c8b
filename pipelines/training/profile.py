"""A look at where the time of some steps goes."""

from pathlib import Path

import tensorflow as tf


class Profile:
    """Records TensorFlow's profile of some steps of a run, for TensorBoard's page "Profile".

    What runs over the end of an epoch is a profile for each.

    Args:
        folder: The folder of the logs.
        steps: The first and the last step to record, counted from 0 over the whole run, or None.

    Example:
        >>> profile = Profile(Path("logs"), (10, 12))
        >>> profile.most(4), profile.most(11), profile.most(13)
        (6, 2, None)
    """

    def __init__(self, folder: Path, steps: tuple[int, int] | None) -> None:
        self._folder, self._steps = folder, steps
        self._runs = False

    def most(self, step: int) -> int | None:
        """How many steps may run at once from `step` on, for the profile to be of its own."""
        if self._steps is None or step > self._steps[1]:
            return None
        return (self._steps[0] if step < self._steps[0] else self._steps[1] + 1) - step

    def at(self, step: int) -> None:
        """Begins or ends, where `step` is the one to come."""
        within = self._steps is not None and self._steps[0] <= step <= self._steps[1]
        if within and not self._runs:
            tf.profiler.experimental.start(str(self._folder))
            self._runs = True
        elif not within:
            self.close()

    def close(self) -> None:
        """Writes what there is."""
        if self._runs:
            self._runs = False
            tf.profiler.experimental.stop()
