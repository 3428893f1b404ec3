"""Predict the target of every row of a Parquet file with Dask.

    python examples/scale_dask.py MODEL IN.parquet OUT.parquet --workers 2

IN.parquet is a file or a folder of files with a column `source`. OUT.parquet is created as a folder of files with the
same columns and a column `target` with the predictions. Dask runs on this machine; see docs/scale.md for clusters.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

try:
    import dask
    import dask.dataframe as dd
    import pandas as pd
    from distributed import Client, LocalCluster, Worker, WorkerPlugin, get_worker
except ImportError as error:
    sys.exit(f"scale_dask.py needs Dask, and {error.name} is not installed: pip install 'henkan[scale]'")

import henkan

# henkan uses its fast kernels only for 300,000 source symbols or more per call.
CHUNK_ROWS = 100_000
# Replaces Dask's default environment of workers, which also makes the C library return memory to the system at once
# (MALLOC_TRIM_THRESHOLD_): prediction would take nearly twice as long.
ONE_THREAD = dict.fromkeys(("HENKAN_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")


class Model(WorkerPlugin):
    """Load the model once per worker."""

    name = "model"

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def setup(self, worker: Worker) -> None:
        """Load the model when a worker joins."""
        worker.model = henkan.load(self.folder)
        print(f"worker {os.getpid()} has loaded the model", flush=True)


def convert(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the predictions to the rows."""
    return rows.assign(target=get_worker().model.predict(rows["source"].tolist()))


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", type=Path)
    parser.add_argument("input", metavar="IN.parquet", type=Path)
    parser.add_argument("output", metavar="OUT.parquet", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.output.exists():
        sys.exit(f"{arguments.output} exists; name another folder, or delete it first")

    dask.config.set({"distributed.nanny.pre-spawn-environ": ONE_THREAD})
    cluster = LocalCluster(n_workers=arguments.workers, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, Client(cluster) as client:
        client.register_plugin(Model(str(arguments.model.resolve())))
        rows = dd.read_parquet(arguments.input.resolve(), dtype_backend="pyarrow")
        rows = rows.repartition(npartitions=max(rows.npartitions, len(rows) // CHUNK_ROWS))
        rows.map_partitions(convert, meta=rows._meta.assign(target="")).to_parquet(
            arguments.output.resolve(), write_index=False
        )


if __name__ == "__main__":
    main()
