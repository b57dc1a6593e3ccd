"""A `sparrow serve` of its own, for scripts and benchmarks that ask one."""

import os
import pathlib
import re
import subprocess
import time


class Server:
    """On a free port of this machine, with a store below `work`; `with` ends it.

    What it says goes to `work`/log. Raises RuntimeError with that if it does not start.
    """

    def __init__(self, program, work, *flags, environment=None):
        work = pathlib.Path(work)
        self.log_path = work / "log"
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [program, "serve", "--host", "127.0.0.1:0", *flags], stderr=log, stdout=log,
                env={**os.environ, "SPARROW_HOME": str(work / "home"), **(environment or {})})
        while not (found := re.search(r"listening on (([0-9.]+):(\d+))", self.log())):
            if self.process.poll() is not None:
                raise RuntimeError("the server did not start:\n" + self.log())
            time.sleep(0.02)
        self.address, self.host, self.port = found.group(1), found.group(2), int(found.group(3))
        self.url = "http://" + self.address

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def end(self):
        """The exit code, once what runs is done."""
        self.process.terminate()
        return self.process.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
