"""The order, names and shapes of the variables an optimizer was built over."""

import collections
import dataclasses
import json
import re
from typing import Self


def unnumbered(name: str) -> str:
    """Takes the numbers off a variable's name that Keras appends to make layers unique.

    They count the layers made so far in a process, so the same variable of the same model is
    `embedding/embeddings` in one run and `embedding_4/embeddings` in another.
    """
    parts = name.partition(":")[0].split("/")
    return "/".join(re.sub(r"_\d+$", "", part) for part in parts)


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
        waiting: dict[str, collections.deque[int]] = collections.defaultdict(collections.deque)
        for position, name in enumerate(saved.names):
            waiting[unnumbered(name)].append(position)
        positions = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            alike = waiting[unnumbered(name)]
            if not alike or saved.shapes[alike[0]] != shape:
                raise self._refusal(saved)
            positions.append(alike.popleft())
        if any(waiting.values()):
            raise self._refusal(saved)
        found = [saved.names[position] for position in positions]
        if found != list(self.names) and sorted(found) == sorted(self.names):
            raise self._refusal(saved)
        return positions

    def _refusal(self, saved: "Layout") -> ValueError:
        here = ", ".join(_described(self))
        there = ", ".join(_described(saved))
        return ValueError(
            f"`variables` must be those the saved optimizer state belongs to. Received: "
            f"variables=[{here}], saved=[{there}]. Build the model's columns and layers as they "
            "were when the state was saved and give each its own name, or load the weights into a "
            "model that is not compiled."
        )


def _described(layout: Layout) -> list[str]:
    pairs = zip(layout.names, layout.shapes, strict=True)
    return [f"{name} {shape}" for name, shape in pairs]
