"""What a worker says to the benchmark: a line in, a line out."""

import json
import sys
import time
from collections.abc import Callable


def answer(step: Callable[[int], object]) -> None:
    """Warms up, then times steps as asked for until the input ends.

    Each line of the input is a number of steps; the answer is the seconds of each, of CPU time
    where the job says `cpu`. Where it says `turns`, that is the mean over all that the process has
    spent since the steps before: what was read ahead between turns counts.

    Args:
        step: Runs one step and waits for it; gets the number of the step.
    """
    job = json.loads(sys.argv[1])
    clock = time.process_time if job.get("cpu") else time.perf_counter
    for number in range(6):
        step(number)
    print(json.dumps("ready"), flush=True)
    before = clock()
    for line in sys.stdin:
        seconds = []
        if job.get("turns"):
            for number in range(int(line)):
                step(number)
            now = clock()
            print(json.dumps([(now - before) / int(line)] * int(line)), flush=True)
            before = now
            continue
        for number in range(int(line)):
            start = clock()
            step(number)
            seconds.append(clock() - start)
        print(json.dumps(seconds), flush=True)
