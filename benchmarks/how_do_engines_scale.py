"""What does an audit cost on Spark and in Beam, in processor time, beside `kf.Auditor` alone?

    python benchmarks/how_do_engines_scale.py                  # 10 million people
    python benchmarks/how_do_engines_scale.py 100              # 100 million
    python benchmarks/how_do_engines_scale.py 100 Spark        # of one engine

Twelve rows of constraints on generated people in Parquet files of a million each. Every engine reads the same
files in a process of its own, after it has audited one file, which is not counted: Spark's compiler has then
seen the work. Counted is the processor time of the process and of all that it started, the JVM and the
workers of Python included. `alone` is a loop of `Auditor.update` over the files.

`rows handed to Python` is what Spark takes by itself: it reads the files, and a function that counts rows
gets them as `mapInArrow` gives them.

`files read by workers` hands them names of files in place of rows.

They take turns: some files each, then some more, so that a slow minute is nobody's alone.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from _timing import table

PEOPLE = 1_000_000  # in a file
BATCH = 131_072  # people in an element of Beam
TURNS = 4
DIFFERENT = 20  # files that differ; more are links to these
VALUES = {
    "sex": ["Female", "Male"],
    "race": ["Asian", "Black", "Hispanic", "Other", "White"],
    "region": ["east", "north", "south", "west"],
}
CONSTRAINTS = """
    E[y | sex=Female] == E[y | sex=Male] +- 0.05
    P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05
    P[y >= 0.5 | sex=Female] >= 0.8 * P[y >= 0.5 | sex=Male]
    P[y >= 0.5 | sex=Female, label=1] == P[y >= 0.5 | sex=Male, label=1] +- 0.05
    P[y >= 0.5 | sex=Female, label=0] == P[y >= 0.5 | sex=Male, label=0] +- 0.05
    E[label | y >= 0.5, sex=Female] == E[label | y >= 0.5, sex=Male] +- 0.05
    spread(E[y | race=*]) <= 0.05
    spread(P[y >= 0.5 | race=*]) <= 0.05
    spread(E[y | race=*, sex=*]) <= 0.1
    spread(P[y >= 0.5 | race=*, label=1]) <= 0.1
    P[y >= 0.5 | age < 25] >= 0.8 * P[y >= 0.5 | age >= 25]
    spread(E[label - y | region=*]) <= 0.01
"""
COLUMNS = ["score", "label", "age", *VALUES]


def main() -> None:
    millions = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    chosen = ["alone", *sys.argv[2:]] if len(sys.argv) > 2 else list(ENGINES)
    engines = [name for name in chosen if available(name)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        files = written(Path(folder), millions + 1)
        size = sum(path.stat().st_size for path in files[1:]) / 1e6
        print(f"{millions:,} million people in files of {PEOPLE:,}, {size:,.0f} MB\n")
        running = {name: stack.enter_context(Engine(name, files[0])) for name in engines}
        bounds = np.linspace(1, millions + 1, min(TURNS, millions) + 1).astype(int)
        for turn, (low, high) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            for engine in list(running.values())[:: -1 if turn % 2 else 1]:
                engine.work(files[low:high])
        found = {name: engine.result() for name, engine in running.items()}
    alone = found["alone"]
    lines = [
        [
            name,
            f"{each['start']:.1f} s",
            f"{each['processor']:.1f} s",
            f"{each['processor'] / millions:.3f} s",
            f"{each['processor'] / alone['processor']:.2f}",
            f"{each['clock']:.0f} s",
            f"{apart(each['numbers'], alone['numbers']):.1e}" if each["numbers"] else "",
            f"{each['samples']:,}",
        ]
        for name, each in found.items()
    ]
    head = ["", "start, processor", "work, processor", "for a million", "over alone", "work"]
    head += ["gaps apart", "people"]
    table(head, lines)


def apart(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return max((abs(one - other) for one, other in zip(ours, theirs, strict=True)))


def available(name: str) -> bool:
    """Whether an engine is installed here; says what is lacking."""
    module = {"S": "pyspark", "B": "apache_beam"}.get(name[0])
    if module is not None and importlib.util.find_spec(module) is None:
        print(f"{name} is left out: {module} is not installed")
        return False
    if module == "pyspark" and shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        print(f"{name} is left out: there is no Java")
        return False
    return True


def written(folder: Path, count: int) -> list[Path]:
    """The files; those beyond the first few are links."""
    import pyarrow
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    files = []
    for place in range(count):
        path = folder / f"people_{place:04}.parquet"
        files.append(path)
        if place >= DIFFERENT:
            os.link(files[place % DIFFERENT], path)
            continue
        codes = {name: rng.integers(0, len(values), PEOPLE) for name, values in VALUES.items()}
        score = np.clip(rng.beta(2, 2, PEOPLE) + 0.02 * codes["sex"] + 0.01 * codes["race"], 0, 1)
        drawn: dict[str, Any] = {
            name: pyarrow.array(np.array(values, dtype=object)[codes[name]])
            for name, values in VALUES.items()
        }
        drawn["age"] = rng.integers(17, 90, PEOPLE)
        drawn["score"] = np.round(score, 6)
        drawn["label"] = (rng.random(PEOPLE) < score).astype("int64")
        parquet.write_table(pyarrow.table(drawn), path)
    return files


class Engine:
    """An engine in a process of its own, which is told files and says what it found."""

    def __init__(self, name: str, first: Path) -> None:
        command = [sys.executable, __file__, "--engine", name, str(first)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Engine:
        self._answer()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()

    def work(self, files: Sequence[Path]) -> None:
        self._ask([str(path) for path in files])
        self._answer()

    def result(self) -> dict[str, Any]:
        self._ask(None)
        return self._answer()

    def _ask(self, question: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("answer: "):
                return json.loads(line.removeprefix("answer: "))
        raise SystemExit("an engine ended without an answer; its message is above")


def serve(name: str, first: str) -> None:
    """What the process of an engine does."""
    audit = ENGINES[name]()
    total = None
    audit([first])
    start = processor()
    spent = clock = 0.0
    print("answer: 0", flush=True)
    for line in sys.stdin:
        files = json.loads(line)
        if files is None:
            break
        before, began = processor(), time.perf_counter()
        auditor = audit(files)
        total = auditor if total is None else total.merge(auditor)
        spent, clock = spent + processor() - before, clock + time.perf_counter() - began
        print("answer: 0", flush=True)
    assert total is not None
    before = processor()
    audited = total.result()
    found = {
        "start": start,
        "processor": spent + processor() - before,
        "clock": clock,
        "numbers": [relation.gap for relation in audited],
        "samples": audited.samples,
    }
    print("answer: " + json.dumps(found), flush=True)


def processor() -> float:
    """Seconds of processor of this process and of all that it started, ended ones included.

    A process that ended is counted by the one that started it, once that one has noticed.
    """
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            children.setdefault(int(fields[1]), []).append(int(folder.name))
            ticks[int(folder.name)] = sum(map(int, fields[11:15]))
    waiting, total = [os.getpid()], 0
    while waiting:
        process = waiting.pop()
        total += ticks.get(process, 0)
        waiting += children.get(process, [])
    return total / os.sysconf("SC_CLK_TCK")


def alone() -> Callable[[Sequence[str]], Any]:
    import keras_fair as kf

    def audit(files: Sequence[str]) -> Any:
        auditor = kf.Auditor(CONSTRAINTS)
        for path in files:
            people = read(path)
            auditor.update(people["score"], people, people["label"])
        return auditor

    return audit


def read(path: str) -> Any:
    from pyarrow import parquet

    return parquet.read_table(path, columns=COLUMNS, use_threads=False)


def pieces(path: str) -> Any:
    """A file in batches: Beam pickles some elements to see how large they are, and a million people are."""
    from pyarrow import parquet

    yield from parquet.ParquetFile(path).iter_batches(BATCH, columns=COLUMNS, use_threads=False)


def beam() -> Callable[[Sequence[str]], Any]:
    import apache_beam

    import keras_fair as kf
    from keras_fair.distributed.beam import AuditorFn

    def audit(files: Sequence[str]) -> Any:
        with tempfile.NamedTemporaryFile() as out:  # a pipeline hands nothing back
            with apache_beam.Pipeline(runner="DirectRunner") as pipeline:
                people = pipeline | apache_beam.Create(list(files)) | apache_beam.FlatMap(pieces)
                audited = people | apache_beam.CombineGlobally(AuditorFn(CONSTRAINTS, label="label"))
                _ = audited | apache_beam.Map(keep, out.name)
            return kf.Auditor.from_bytes(Path(out.name).read_bytes())

    return audit


def keep(auditor: Any, path: str) -> None:
    Path(path).write_bytes(auditor.to_bytes())


class Rows:
    """What stands in for an auditor where rows are handed to Python and counted."""

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def merge(self, other: Rows) -> Rows:
        return Rows(self.samples + other.samples)

    def result(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return iter(())


def handed_over() -> Callable[[Sequence[str]], Any]:
    session = session_of_spark()

    def counted(batches: Any) -> Any:
        import pyarrow

        yield pyarrow.record_batch({"rows": [sum(batch.num_rows for batch in batches)]})

    def audit(files: Sequence[str]) -> Rows:
        people = session.read.parquet(*files).select(*COLUMNS)
        return Rows(sum(row["rows"] for row in people.mapInArrow(counted, "rows long").collect()))

    return audit


def spark() -> Callable[[Sequence[str]], Any]:
    import keras_fair as kf

    session = session_of_spark()

    def audit(files: Sequence[str]) -> Any:
        people = session.read.parquet(*files)
        return kf.distributed.spark.auditor(people, CONSTRAINTS, label="label")

    return audit


def spark_files() -> Callable[[Sequence[str]], Any]:
    import keras_fair as kf

    session = session_of_spark()

    def audit(files: Sequence[str]) -> Any:
        return kf.distributed.spark.auditor_of_files(session, files, CONSTRAINTS, label="label")

    return audit


def session_of_spark() -> Any:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("keras_fair")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


ENGINES: dict[str, Callable[[], Callable[[Sequence[str]], Any]]] = {
    "alone": alone,
    "Beam": beam,
    "Spark, files read by workers": spark_files,
    "Spark": spark,
    "Spark, rows handed to Python": handed_over,
}

if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--engine":
        serve(*sys.argv[2:])
    else:
        main()
