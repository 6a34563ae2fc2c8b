"""The order, names and shapes of the variables an optimizer was built over; shards as one."""

import collections
import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Self

from tfrs_afm.types import Variable


@dataclasses.dataclass(frozen=True)
class Layout:
    """What an optimizer's state belongs to.

    Args:
        optimizer: The optimizer's class name.
        slots: Names of the state variables kept for each model variable, such as `m` and `v`.
        names: The model variables' names, in the order the optimizer was built over.
        shapes: Their shapes, in the same order.
    """

    optimizer: str
    slots: tuple[str, ...]
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def local_names(self) -> list[str]:
        """The names without the scope that all share.

        The model's own name is such a scope; it is there or not depending on how the model was
        first called.
        """
        paths = [name.partition(":")[0].split("/") for name in self.names]
        while paths and min(map(len, paths)) > 1 and len({path[0] for path in paths}) == 1:
            paths = [path[1:] for path in paths]
        return ["/".join(path) for path in paths]

    @property
    def stems(self) -> list[str]:
        """The local names without the numbers that Keras appends to make layers unique.

        They count the layers made so far in a process, so that the same variable is
        `embedding/embeddings` in one run and `embedding_4/embeddings` in another.
        """
        return _stems(self.local_names)

    def to_json(self) -> str:
        """Returns the layout as JSON text."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Reads what `to_json` wrote."""
        read = json.loads(text)
        return cls(
            optimizer=read["optimizer"],
            slots=tuple(read["slots"]),
            names=tuple(read["names"]),
            shapes=tuple(tuple(shape) for shape in read["shapes"]),
        )

    def positions_in(self, saved: "Layout") -> list[int]:
        """Finds for each variable of this layout its position in a saved one.

        Names decide. Where names differ only by the numbers Keras appends, order decides among
        them, and a set of such names in another order is refused: nothing then tells which state
        belongs to which variable.

        Raises:
            ValueError: If the saved layout is of other variables, or in doubt.
        """
        here, there = _alike(self.local_names, saved.local_names)
        waiting: dict[str, collections.deque[int]] = collections.defaultdict(collections.deque)
        for position, stem in enumerate(_stems(there)):
            waiting[stem].append(position)
        positions = []
        for stem, shape in zip(_stems(here), self.shapes, strict=True):
            alike = waiting[stem]
            if not alike or saved.shapes[alike[0]] != shape:
                raise self._refusal(saved)
            positions.append(alike.popleft())
        if any(waiting.values()):
            raise self._refusal(saved)
        found = [there[position] for position in positions]
        if found != here and sorted(found) == sorted(here):
            raise self._refusal(saved)
        return positions

    def refuse_swap(self, saved: "Layout", matched: Sequence[tuple[str, str]]) -> None:
        """Refuses a match by place in the model that the names contradict.

        TensorFlow matches variables by their place in the model, so that tables kept in a list
        swap when the list is reordered. The names tell.

        Args:
            saved: The layout that was saved.
            matched: Pairs of a variable's saved name and the name of the variable that is to get
                its state.

        Raises:
            ValueError: If the saved name is that of another variable here.
        """
        here = dict(zip(self.names, self.stems, strict=True))
        there = dict(zip(saved.names, saved.stems, strict=True))
        for saved_name, name in matched:
            stem = there.get(saved_name)
            if stem != here[name] and stem in here.values():
                raise ValueError(
                    "`variables` must be in the order the checkpoint was saved with. Received: "
                    f"variables with '{name}' in the place of '{saved_name}'. Put the columns or "
                    "layers back in that order, or track them by name: as attributes or in a "
                    "dict, not in a list."
                )

    def _refusal(self, saved: "Layout") -> ValueError:
        here = ", ".join(_described(self))
        there = ", ".join(_described(saved))
        return ValueError(
            f"`variables` must be those the saved optimizer state belongs to. Received: "
            f"variables=[{here}], saved=[{there}]. Build the model's columns and layers as they "
            "were when the state was saved and give each its own name, or load the weights into a "
            "model that is not compiled."
        )


def _stems(names: Sequence[str]) -> list[str]:
    return ["/".join(re.sub(r"_\d+$", "", part) for part in name.split("/")) for name in names]


def _alike(here: list[str], there: list[str]) -> tuple[list[str], list[str]]:
    """Takes the model's own name away where only one of two models has it.

    A model that was called has it before its variables, one that was only trained has not; where
    some layers (a `Sequential` among them) never have it, it is no scope that all names share.
    """
    if sorted(_stems(here)) == sorted(_stems(there)):
        return here, there
    for scope in dict.fromkeys(name.partition("/")[0] for name in (*here, *there)):
        without = [[name.removeprefix(f"{scope}/") for name in names] for names in (here, there)]
        if sorted(_stems(without[0])) == sorted(_stems(without[1])):
            return without[0], without[1]
    if len(here) == len(there) and all(map(_one_ends_the_other, _stems(here), _stems(there))):
        return here, here
    return here, there


def _one_ends_the_other(one: str, other: str) -> bool:
    """Whether names differ only by outer scopes.

    Layers that are built alone, as while a file is loaded, lack the scopes of those around them.
    """
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")


def _described(layout: Layout) -> list[str]:
    pairs = zip(layout.names, layout.shapes, strict=True)
    return [f"{name} {shape}" for name, shape in pairs]


def whole(variable: Variable) -> Variable:
    """Returns the sharded variable that a shard is part of, or the variable itself.

    Under a parameter server strategy a layer and its optimizer see the shards of a table, a
    checkpoint the whole.

    Args:
        variable: One of a model's `trainable_variables`, or a slot of it.

    Returns:
        An object with the `shape` and `dtype` of the whole; its name says `whole_name`.

    Example:
        >>> import tensorflow as tf
        >>> from tfrs_afm.optimizers import whole
        >>> table = tf.Variable([[1.0], [2.0]])
        >>> whole(table) is table
        True
    """
    container = getattr(variable, "_sharded_container", None)
    return variable if container is None else container()


def whole_name(variable: Variable) -> str:
    """Returns the name that a variable has, or would have if it were not sharded.

    TensorFlow calls every sharded variable "ShardedVariable", and its shards by the variable's own
    name and their number.

    Args:
        variable: A variable, a sharded one, or a shard of one.

    Example:
        >>> import tensorflow as tf
        >>> from tfrs_afm.optimizers import whole_name
        >>> whole_name(tf.Variable(1.0, name="table/part_0"))
        'table:0'
    """
    shards = getattr(variable, "variables", None)
    name = shards[0].name if isinstance(shards, list | tuple) else variable.name
    return re.sub(r"/part_\d+(?=:|$)", "", name)
