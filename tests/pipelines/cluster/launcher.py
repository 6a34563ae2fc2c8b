"""A program: runs the other one, `runs`, in a cluster of two workers."""

import sys

from pipelines.cluster.run_local_cluster import run_local_cluster
from tests.pipelines.cluster.processes import PROGRAM


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    ps = 2 if sys.argv[1] == "parameter_server" else 0
    sys.exit(run_local_cluster([*PROGRAM, *sys.argv[1:]], 2, ps=ps, on_line=_tell))
