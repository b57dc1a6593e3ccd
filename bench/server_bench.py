#!/usr/bin/env python3
"""What the server adds to its engine, and how it answers many: the table "The server" of docs/performance.md.

    bench/server_bench.py MODEL.gguf [--build build] [--rounds 15] [--peer "COMMAND …"] [--skip PART …]

Parts: added (time to the first token and between tokens beside the engine's own clock, in turns), streams (256 at once),
again (a prompt of 4,096 tokens twice), peer (1, 4 and 16 clients in turns with another server that answers
/v1/completions; COMMAND is run with --host, --port and --model appended), idle (no model, 10 s). Nothing else may run
meanwhile. Medians, and the range in brackets.
"""
import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import re
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "bindings" / "python")]
from serving import Server  # pylint: disable=wrong-import-position

PARTS = ["added", "streams", "again", "peer", "idle"]


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def sparrow_server(build, *flags):
    with tempfile.TemporaryDirectory() as work, Server(build / "sparrow", work, *flags) as server:
        yield server.process, server.port


class Answer:
    """One streamed completion: when its pieces came."""

    def __init__(self):
        self.asked_at = 0.0
        self.times = []

    @property
    def first_s(self):
        return self.times[0] - self.asked_at

    @property
    def rate(self):
        """Tokens a second after the first; a piece is a token."""
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


def completion_request(model, prompt, tokens):
    body = {"model": model.stem, "prompt": prompt, "max_tokens": tokens, "stream": True, "temperature": 0, "ignore_eos": True}
    text = json.dumps(body).encode()
    return (b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(text), text))


def ask_alone(port, model, prompt, tokens):
    """The client that costs least, since it shares the cores with what it measures."""
    answer, pieces = Answer(), []
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(None)  # otherwise each read looks first whether there is something
        answer.asked_at = time.perf_counter()
        client.sendall(completion_request(model, prompt, tokens))
        while piece := client.recv(1 << 16):
            pieces.append((time.perf_counter(), piece))
    if b" 200 " not in pieces[0][1].partition(b"\r\n")[0]:
        raise RuntimeError(b"".join(piece for _, piece in pieces).decode())
    for at, piece in pieces:
        answer.times += [at] * piece.count(b'"choices":[')
    return answer


async def ask(port, model, prompt, tokens):
    answer = Answer()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    answer.asked_at = time.perf_counter()
    writer.write(completion_request(model, prompt, tokens))
    await writer.drain()
    async for line in reader:
        if line.startswith(b"data: {") and b'"choices":[' in line.replace(b" ", b""):
            answer.times.append(time.perf_counter())
        elif line.startswith(b"HTTP/1.1") and b" 200 " not in line:
            raise RuntimeError((line + await reader.read()).decode())
    writer.close()
    return answer


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def measure_added(build, model, rounds, threads):
    """Prompts that no cache knows, alternating; the engine's times are its own clock's, without any caller."""
    os.environ["SPARROW_LIBRARY"] = str(build / "libsparrow.so")
    from sparrow import Engine

    engine = Engine(str(model), thread_count=threads)

    def own_answer(prompt, tokens):
        params = {"max_tokens": tokens, "temperature": 0, "ignore_eos": True}
        stream = engine.submit(engine.encode(prompt), params)
        while stream.next() is not None:
            pass
        return stream.stats()

    first, rate, own_first, own_rate = [], [], [], []
    with sparrow_server(build, "--model", model, *(["--threads", str(threads)] if threads else [])) as (_, port):
        ask_alone(port, model, "warm up", 8)
        own_answer("warm up", 8)
        for i in range(rounds):
            prompt = f"{i} is the number of a question about the history of sparrows. " * 4
            answer = ask_alone(port, model, prompt, 129)
            first.append(answer.first_s * 1e3)
            rate.append(answer.rate)
            stats = own_answer(prompt, 129)
            own_first.append((stats.queue_seconds + stats.prefill_seconds) * 1e3)
            own_rate.append((stats.output_tokens - 1) / stats.decode_seconds)
    engine.close()
    print(f"time to first token, ms: server {spread(first)}, engine {spread(own_first)}, "
          f"added {statistics.median(a - b for a, b in zip(first, own_first)):.2f}")
    print(f"tokens/s: server {spread(rate, 1)}, engine {spread(own_rate, 1)}, "
          f"ratio {statistics.median(a / b for a, b in zip(rate, own_rate)):.3f}")


def measure_streams(build, model):
    async def all_of(port):
        return await asyncio.gather(*(ask(port, model, f"Tell me about the number {i}.", 64) for i in range(256)))

    with sparrow_server(build, "--model", model) as (_, port):
        asyncio.run(ask(port, model, "warm up", 8))
        start = time.perf_counter()
        answers = asyncio.run(all_of(port))
        elapsed = time.perf_counter() - start
    # What a client feels: all of its tokens over all of its time, waiting included.
    rates = [len(answer.times) / (answer.times[-1] - answer.asked_at) for answer in answers]
    while_running = [answer.rate for answer in answers]
    print(f"256 streams of 64 tokens: {256 * 64 / elapsed:.0f} tokens/s in all; a stream's rate from asking to its end "
          f"{spread(rates, 1)}, slowest / median {min(rates) / statistics.median(rates):.2f}; "
          f"once it runs {spread(while_running, 1)}, {min(while_running) / statistics.median(while_running):.2f}")


def measure_again(build, model, rounds):
    first, again = [], []
    with sparrow_server(build, "--model", model) as (_, port):
        for i in range(min(3, rounds)):
            prompt = f"{i} " + "the " * 4094
            first.append(asyncio.run(ask(port, model, prompt, 2)).first_s * 1e3)
            again.append(asyncio.run(ask(port, model, prompt, 2)).first_s * 1e3)
    print(f"4,096 tokens: first {spread(first, 1)} ms, again {spread(again, 1)} ms, "
          f"{statistics.median(first) / statistics.median(again):.0f} times sooner")


def measure_peer(build, model, command, rounds):
    async def total(port, clients, tag):
        start = time.perf_counter()
        answers = await asyncio.gather(*(ask(port, model, f"{tag}: client {i} asks for a story about", 64)
                                         for i in range(clients)))
        return sum(len(answer.times) for answer in answers) / (time.perf_counter() - start)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        peer_port = free.getsockname()[1]
    with sparrow_server(build, "--model", model) as (_, port), \
            running([*shlex.split(command), "--host", "127.0.0.1", "--port", str(peer_port), "--model", str(model)],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        for _ in range(600):
            try:
                asyncio.run(ask(peer_port, model, "warm up", 4))
                break
            except OSError:
                time.sleep(0.1)
        asyncio.run(ask(port, model, "warm up", 4))
        for clients in (1, 4, 16):
            ours, theirs = [], []
            for i in range(max(3, rounds // 5)):
                ours.append(asyncio.run(total(port, clients, f"{i} of {clients}")))
                theirs.append(asyncio.run(total(peer_port, clients, f"{i} of {clients}")))
            print(f"{clients} clients, tokens/s in all: sparrow {spread(ours, 0)}, the peer {spread(theirs, 0)}, "
                  f"{statistics.median(ours) / statistics.median(theirs):.2f} times", flush=True)


def measure_idle(build):
    def cpu_s(pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    with sparrow_server(build) as (process, _):
        time.sleep(1)
        before = cpu_s(process.pid)
        time.sleep(10)
        used = cpu_s(process.pid) - before
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    resident = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1e3
    print(f"idle without a model: {used:.2f} s of CPU in 10 s, "
          f"{resident:.1f} MB resident")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=0, help="of the engine on both sides of the part added; 0: one a core")
    parser.add_argument("--peer")
    parser.add_argument("--skip", nargs="*", default=[], choices=PARTS)
    args = parser.parse_args()
    build, model = args.build.resolve(), args.model.resolve()
    parts = {"added": lambda: measure_added(build, model, args.rounds, args.threads),
             "streams": lambda: measure_streams(build, model),
             "again": lambda: measure_again(build, model, args.rounds),
             "peer": lambda: args.peer and measure_peer(build, model, args.peer, args.rounds),
             "idle": lambda: measure_idle(build)}
    for name in PARTS:
        if name not in args.skip:
            parts[name]()


if __name__ == "__main__":
    main()
