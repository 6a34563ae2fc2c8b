"""Counts and latencies, in Prometheus' text form and under TensorFlow Serving's names."""

import threading
from bisect import bisect_left
from collections import defaultdict

_BOUNDS = tuple(10 * 1.8**power for power in range(33))  # microseconds, to about 20 minutes

_MOST_NAMES = 100  # of models that never answered: a client may ask for any number of names
_LONGEST_NAME = 100
_OTHER = "(other)"

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """What a server has done since it started. Any thread may record."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Labels, int] = defaultdict(int)
        self._answered: set[str] = set()
        self._asked: set[str] = set()
        self._latencies: dict[str, dict[Labels, list[float]]] = defaultdict(dict)

    def request(self, model_name: str, status: str) -> None:
        """Counts one answered request.

        Args:
            model_name: As the request named it. Of names that no model ever answered to, the first
                hundred of usual length are told apart; the others count as "(other)".
            status: The code's name, for instance `OK`.
        """
        with self._lock:
            if status == "OK":
                self._answered.add(model_name)
            elif model_name not in self._answered and model_name not in self._asked:
                if len(self._asked) < _MOST_NAMES and len(model_name) <= _LONGEST_NAME:
                    self._asked.add(model_name)
                else:
                    model_name = _OTHER
            self._counts[("model_name", model_name), ("status", status)] += 1

    def latency(self, metric: str, labels: Labels, micros: float) -> None:
        """Adds one measurement to a histogram.

        Args:
            metric: The last part of its name, for instance `request_latency`.
            labels: Pairs of label and value.
            micros: Microseconds.
        """
        with self._lock:
            cell = self._latencies[metric].setdefault(labels, [0.0] * (len(_BOUNDS) + 2))
            cell[bisect_left(_BOUNDS, micros)] += 1
            cell[-1] += micros

    def text(self) -> str:
        """The page that Prometheus reads."""
        lines = ["# TYPE :tensorflow:serving:request_count counter"]
        with self._lock:
            for labels, count in sorted(self._counts.items()):
                lines.append(f":tensorflow:serving:request_count{{{_text(labels)}}} {count}")
            for metric, cells in sorted(self._latencies.items()):
                name = f":tensorflow:serving:{metric}"
                lines.append(f"# TYPE {name} histogram")
                for labels, cell in sorted(cells.items()):
                    lines += _histogram(name, _text(labels), cell)
        return "\n".join(lines) + "\n"


def _histogram(name: str, labels: str, cell: list[float]) -> list[str]:
    lines, total = [], 0
    for bound, count in zip((*_BOUNDS, None), cell[:-1], strict=True):
        total += int(count)
        limit = "+Inf" if bound is None else f"{bound:g}"
        lines.append(f'{name}_bucket{{{labels},le="{limit}"}} {total}')
    return [*lines, f"{name}_sum{{{labels}}} {cell[-1]:g}", f"{name}_count{{{labels}}} {total}"]


def _text(labels: Labels) -> str:
    return ",".join(f'{key}="{_escaped(value)}"' for key, value in labels)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
