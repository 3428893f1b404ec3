"""Answer every row of a Parquet file with Ray Data.

    python examples/scale_ray.py MODEL IN.parquet OUT.parquet --workers 2

IN.parquet is a file or a folder of files with a column `source`; OUT.parquet becomes a folder of files with the same
columns and a column `target`, the answers. Here Ray runs on this machine; see docs/scale.md for a cluster.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is to be sent anywhere; Ray reads these two when it is imported
os.environ["RAY_DEDUP_LOGS"] = "0"  # what the workers say is said by each

try:
    import pyarrow
    import ray.data
except ImportError as error:
    sys.exit(f"scale_ray.py needs Ray Data, and {error.name} is not installed: pip install 'henkan[scale]'")

import henkan

# With fewer than 300,000 symbols at a time henkan does not load its fast kernels.
CHUNK_ROWS = 100_000
ONE_THREAD = dict.fromkeys(("HENKAN_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")


class Converter:
    """What a worker keeps: the model, loaded once."""

    def __init__(self, folder: str) -> None:
        self.model = henkan.load(folder)
        print(f"worker {os.getpid()} has loaded the model", flush=True)

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        """The rows with their answers."""
        answers = self.model.predict(table["source"].to_pylist())
        return table.append_column("target", pyarrow.array(answers, pyarrow.string()))


def main() -> None:
    """Read, convert, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", type=Path)
    parser.add_argument("input", metavar="IN.parquet", type=Path)
    parser.add_argument("output", metavar="OUT.parquet", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.output.exists():
        sys.exit(f"{arguments.output} exists; name another folder, or delete it first")

    # One core for each worker, and one for reading and writing.
    ray.init(
        address="local",
        num_cpus=arguments.workers + 1,
        include_dashboard=False,
        runtime_env={"env_vars": ONE_THREAD},
        logging_level="warning",
    )
    (
        ray.data.read_parquet(str(arguments.input.resolve()))
        .repartition(target_num_rows_per_block=CHUNK_ROWS)
        .map_batches(
            Converter,
            fn_constructor_args=[str(arguments.model.resolve())],
            compute=ray.data.ActorPoolStrategy(size=arguments.workers),
            batch_size=None,
            batch_format="pyarrow",
        )
        .write_parquet(str(arguments.output.resolve()))
    )


if __name__ == "__main__":
    main()
