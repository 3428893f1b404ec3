"""Load on `henkan serve`: capacity, overload, latency, large requests, stopping and memory.

    python benchmarks/serving.py models/names texts.txt

texts.txt has one text on each line. Needs henkan[serve] and h2load, a load generator that sends requests at a given
rate (on Debian: apt-get install nghttp2-client). Server and load generator share the machine. A request has one text
unless stated otherwise. Printed in this order:

- the time of one call, when nothing else is sent, and the capacity: requests per second of 64 connections that wait for
  each answer
- half of the capacity, the capacity, twice and four times as much, for `--seconds` each: answers by status, requests
  without an answer, and the latency of answered ones
- texts per second with 256 texts in each request, relative to `henkan predict --json`, measured alternately
- SIGTERM while new connections arrive: connections that were established and got no answer
- memory of the server after 20,000 requests, and after half and all of `--requests`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measuring import environment, machine, ratios, spread, table, write

CONNECTIONS, TEXTS_OF_A_LARGE_REQUEST = 256, 256
ADDRESS = re.compile(r"serving .* at (http://\S+)")


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--seconds", type=int, default=60, help="duration of each load")
    parser.add_argument("--requests", type=int, default=200_000, help="number of requests of the memory measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    texts = arguments.texts.read_text(encoding="utf-8").splitlines()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        measured = Measurement(arguments, texts, Path(folder))
        results = {"loads": measured.loads(), "large": measured.large_requests()}
        results |= {"stopping": measured.stopping(), "memory": measured.memory()}
    write(arguments.out, **results)


class Measurement:
    """The measurements of a model."""

    def __init__(self, arguments: argparse.Namespace, texts: list[str], folder: Path) -> None:
        self.arguments, self.texts, self.folder = arguments, texts, folder
        self.variables = environment(arguments.threads)

    @contextmanager
    def server(self) -> Iterator[tuple[str, subprocess.Popen[str]]]:
        """Run the server; the value is its address and process."""
        command = [sys.executable, "-m", "henkan", "serve", str(self.arguments.model), "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.variables) as process:
            found = next(filter(None, map(ADDRESS.search, process.stderr)))
            try:
                yield found[1].rstrip("/"), process
            finally:
                process.terminate()
                process.wait()

    def body(self, count: int) -> Path:
        """A file with the body of a request."""
        path = self.folder / f"{count}.json"
        repeated = self.texts * (count // len(self.texts) + 1)
        path.write_text(json.dumps({"texts": repeated[:count], "confidence": True}))
        return path

    def load(self, address: str, *options: object, texts: int = 1) -> dict[str, Any]:
        """Run h2load; return the answers by status, those that are missing, and latencies in seconds."""
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        command = [
            "h2load",
            "--h1",
            "-d",
            self.body(texts),
            "-H",
            "content-type: application/json",
            f"--log-file={log}",
        ]
        done = subprocess.run(
            [*map(str, command), *map(str, options), f"{address}/v1/convert"],
            capture_output=True,
            text=True,
            check=True,
        )
        rows = [line.split("\t") for line in log.read_text().splitlines()]
        answered = [(int(status), int(duration) / 1e6) for _, status, duration in rows if status.isdigit()]
        counts = re.search(r"requests: .*?(\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
        rate = re.search(r"finished in [\d.]+m?s, ([\d.]+) req/s", done.stdout)
        assert counts is not None
        assert rate is not None
        return {
            "statuses": dict(Counter(status for status, _ in answered)),
            "errored": int(counts[2]) + int(counts[3]),
            "rate": float(rate[1]),
            "seconds": sorted(duration for status, duration in answered if status == 200),
        }

    def loads(self) -> dict[str, Any]:
        """Measure the time of one call, the capacity, and multiples of it."""
        with self.server() as (address, process):
            self.load(address, "-c", 8, "-n", 2000)
            one = self.load(address, "-c", 1, "-n", 500)["seconds"]
            capacity = self.load(address, "-c", 64, "-D", 10, "--warm-up-time=2")["rate"]
            call = statistics.median(one)
            print(f"one call {1000 * call:.2f} ms, capacity {capacity:,.0f} requests/s")
            rows, results = [], {"call": call, "capacity": capacity}
            for factor in (0.5, 1, 2, 4):
                total = factor * capacity
                # Connections are opened one by one, so that they do not send their requests at the same moments.
                period = max(1, round(1000 / total))
                options = ("-c", CONNECTIONS, "-n", int(min(total, capacity) * self.arguments.seconds))
                options += ("-r", max(1, round(total * period / 1000)), f"--rate-period={period}ms")
                found = self.load(address, *options, f"--rps={total / CONNECTIONS:.4f}")
                p50, p99 = (_quantile(found["seconds"], q) for q in (0.5, 0.99))
                statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(found["statuses"].items()))
                rows.append([
                    f"{factor:g}", f"{factor * capacity:,.0f}", statuses, f"{found['errored']:,}",
                    f"{1000 * p50:.1f}", f"{1000 * p99:.1f}", f"{p99 / call:.1f}",
                ])  # fmt: skip
                seconds = {"p50": p50, "p99": p99}
                results[f"{factor:g}"] = {"statuses": found["statuses"], "errored": found["errored"], **seconds}
            assert process.poll() is None
        head = ["load", "requests/s", "answers by status", "without an answer", "p50, ms", "p99, ms", "p99 / one call"]
        table(head, rows)
        return results

    def large_requests(self) -> dict[str, Any]:
        """Compare texts per second with those of the command, which are measured alternately."""
        count = 200 * TEXTS_OF_A_LARGE_REQUEST
        lines = "".join(f"{text}\n" for text in (self.texts * (count // len(self.texts) + 1))[:count])
        command = [sys.executable, "-m", "henkan", "predict", str(self.arguments.model), "--json"]
        seconds: dict[str, list[float]] = {"command": [], "server": []}
        with self.server() as (address, _):
            for _ in range(self.arguments.rounds):
                clock = time.perf_counter()
                subprocess.run(
                    command, input=lines, text=True, stdout=subprocess.DEVNULL, check=True, env=self.variables
                )
                seconds["command"].append(time.perf_counter() - clock)
                clock = time.perf_counter()
                found = self.load(address, "-c", 4, "-n", 200, texts=TEXTS_OF_A_LARGE_REQUEST)
                seconds["server"].append(time.perf_counter() - clock)
                assert found["statuses"] == {200: 200}
        speeds = {way: spread([count / each for each in found], 0) for way, found in seconds.items()}
        print(f"texts per second: command {speeds['command']}, server {speeds['server']}; "
              f"server / command {ratios(seconds['command'], seconds['server'])}")  # fmt: skip
        return seconds

    def stopping(self) -> dict[str, int]:
        """Send SIGTERM while 200 clients open connections; count what happened to them."""
        total: Counter[str] = Counter()
        for _ in range(self.arguments.rounds):
            with self.server() as (address, process):
                total += asyncio.run(self._stopped(address, process))
        print(f"SIGTERM under load, {self.arguments.rounds} times, connections: {dict(total)}")
        return dict(total)

    async def _stopped(self, address: str, process: subprocess.Popen[str]) -> Counter[str]:
        host, port = address.removeprefix("http://").split(":")
        body = self.body(1).read_bytes()
        head = f"POST /v1/convert HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\n"
        request, counts = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body, Counter[str]()

        async def client() -> None:
            while True:
                try:
                    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), 10)
                except (TimeoutError, OSError):
                    counts["refused"] += 1
                    return
                try:
                    writer.write(request)
                    answer = await asyncio.wait_for(reader.read(), 60)
                    status = answer[9:12].decode() if b"\r\n\r\n" in answer else "lost"
                except (TimeoutError, OSError):
                    status = "lost"
                finally:
                    writer.close()
                counts[status] += 1

        clients = [asyncio.create_task(client()) for _ in range(200)]
        await asyncio.sleep(3)
        process.send_signal(signal.SIGTERM)
        await asyncio.gather(*clients)
        counts[f"exit status {await asyncio.to_thread(process.wait)}"] += 1
        return counts

    def memory(self) -> dict[str, float]:
        """Measure the memory of the server, in MB."""
        with self.server() as (address, process):
            found, done = {}, 0
            for requests in (20_000, self.arguments.requests // 2, self.arguments.requests):
                answers = self.load(address, "-c", 32, "-n", requests - done)
                done = requests
                assert answers["statuses"] == {200: sum(answers["statuses"].values())}, answers["statuses"]
                status = Path(f"/proc/{process.pid}/status").read_text()
                found[f"{requests}"] = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000
        text = ", ".join(f"{size:.1f} MB after {int(requests):,} requests" for requests, size in found.items())
        print(f"memory of the server: {text}")
        return found


def _quantile(numbers: list[float], share: float) -> float:
    return numbers[min(len(numbers) - 1, int(share * len(numbers)))] if numbers else float("nan")


if __name__ == "__main__":
    main()
