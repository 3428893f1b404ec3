"""Metrics for Prometheus. With several workers, each writes them to files that all can read."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from henkan.serve.settings import METRICS_VARIABLE

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of this process."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "henkan_requests", "Requests that were answered.", ["path", "status"], registry=registry
        )
        self.seconds = Histogram(
            "henkan_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ["path"],
            buckets=SECONDS,
            registry=registry,
        )
        self.texts = Counter("henkan_texts", "Texts that were converted.", ["model"], registry=registry)
        self.batch_texts = Histogram("henkan_batch_texts", "Texts of a batch.", buckets=TEXTS, registry=registry)
        self.batch_seconds = Histogram(
            "henkan_batch_seconds", "Time that a batch took.", buckets=SECONDS, registry=registry
        )
        self.queue = Gauge(
            "henkan_queued_work",
            "Queued work: characters and 16 for each text, times the beam width.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.connections = Gauge(
            "henkan_connections", "Open connections.", registry=registry, multiprocess_mode="livesum"
        )
        self.loads = Counter(
            "henkan_model_loads", "Models that were loaded, or could not be.", ["model", "result"], registry=registry
        )

    def batch(self, texts: int, seconds: float) -> None:
        """Count a batch."""
        self.batch_texts.observe(texts)
        self.batch_seconds.observe(seconds)

    def page(self) -> bytes:
        """All metrics in the text format of Prometheus; with several workers, those of all of them."""
        if METRICS_VARIABLE not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)
