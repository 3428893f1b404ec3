"""Predict the target of every row of a Parquet file with Ray Data.

    python examples/scale_ray.py MODEL IN.parquet OUT.parquet --workers 2

IN.parquet is a file or a folder of files with a column `source`. OUT.parquet is created as a folder of files with the
same columns and a column `target` with the predictions. Ray runs on this machine; see docs/scale.md for clusters.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # no usage reports; Ray reads both variables on import
os.environ["RAY_DEDUP_LOGS"] = "0"  # show the output of every worker

try:
    import pyarrow
    import ray.data
except ImportError as error:
    sys.exit(f"scale_ray.py needs Ray Data, and {error.name} is not installed: pip install 'henkan[scale]'")

import henkan

# henkan uses its fast kernels only for 300,000 source symbols or more per call.
CHUNK_ROWS = 100_000
ONE_THREAD = dict.fromkeys(("HENKAN_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")


class Converter:
    """Load the model once per worker."""

    def __init__(self, folder: str) -> None:
        self.model = henkan.load(folder)
        print(f"worker {os.getpid()} has loaded the model", flush=True)

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        """Add the predictions to the rows."""
        answers = self.model.predict(table["source"].to_pylist())
        return table.append_column("target", pyarrow.array(answers, pyarrow.string()))


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

    # One core per worker, and one for reading and writing.
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
