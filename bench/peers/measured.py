"""Runs one command and tells what it cost: `measured.py REPORT CPU_SECONDS COMMAND…`.

A process of its own, because Linux counts the memory of the process that starts another one into
the peak of the started one: this one is small, the harness is not.
"""

import json
import os
import resource
import sys


def main() -> None:
    report, cpu_seconds, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        os.execvp(command[0], command)
    _, status, usage = os.wait4(child, 0)
    told = {
        "code": os.waitstatus_to_exitcode(status),
        "cpu": round(usage.ru_utime + usage.ru_stime, 4),
        "peak_mb": round(usage.ru_maxrss * 1024 / 1e6, 1),
    }
    with open(report, "w", encoding="utf-8") as file:
        json.dump(told, file)


if __name__ == "__main__":
    main()
