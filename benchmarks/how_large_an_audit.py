"""What do ten million people cost `keras-fair audit`, in memory and time, beside a pandas group-by?

Twelve rows of constraints on a Parquet file, and on a CSV file: decision rates, means of scores, error
rates, predictive values, intersections, a range of ages. The audit streams the file. pandas loads the columns
that it needs and groups them: the same numbers, without intervals, verdicts or a report. Each has a process
of its own, whose peak resident memory is shown.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _timing import table

PEOPLE, CHUNK = 10_000_000, 500_000
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
COLUMNS = [*VALUES, "age", "score", "label"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        parquet, text = Path(folder) / "people.parquet", Path(folder) / "people.csv"
        write(parquet, text)
        for path in (parquet, text):
            print(f"{path.name}: {PEOPLE:,} people, {path.stat().st_size / 1e6:,.0f} MB")
        runs = {
            "keras-fair audit, Parquet": ("audit", parquet),
            "pandas, Parquet": ("pandas", parquet),
            "keras-fair audit, CSV": ("audit", text),
            "pandas, CSV": ("pandas", text),
        }
        found = {name: in_a_process(*run) for name, run in runs.items()}
    print()
    head = ["", "start, processor", "work", "work, processor", "memory after the start", "peak memory"]
    table(head, [[name, *shown(each)] for name, each in found.items()])
    ours, theirs = (found[name]["numbers"] for name in ("keras-fair audit, Parquet", "pandas, Parquet"))
    apart = max(abs(ours[name] - value) for name, value in theirs.items())
    print(f"{len(theirs)} numbers of the group-by, largest difference {apart:.1e}")
    ours, theirs = (dict(leaves(found[f"keras-fair audit, {kind}"]["report"])) for kind in ("Parquet", "CSV"))
    numbers = [name for name, value in ours.items() if isinstance(value, float)]
    apart = max(abs(ours[name] - theirs[name]) for name in numbers)
    others = all(ours[name] == theirs[name] for name in ours.keys() | theirs.keys() if name not in numbers)
    print(f"{len(numbers)} numbers in the audits of the two files, largest difference {apart:.1e}")
    print(f"everything else in them, verdicts too, {'is' if others else 'IS NOT'} the same")


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers and texts of a JSON document, with their paths."""
    if isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(value, f"{path}/{key}")
    else:
        yield path, node


def shown(run: dict[str, Any]) -> list[str]:
    seconds = [f"{run[name]:.1f} s" for name in ("start", "work", "processor")]
    return [*seconds, *(f"{run[name] / 1024:,.0f} MB" for name in ("idle", "peak"))]


def write(parquet: Path, text: Path) -> None:
    """Draw the people and write them, chunk by chunk."""
    import pyarrow
    from pyarrow import csv
    from pyarrow import parquet as files

    rng = np.random.default_rng(0)
    writers: list[Any] = []
    for _ in range(PEOPLE // CHUNK):
        codes = {name: rng.integers(0, len(values), CHUNK) for name, values in VALUES.items()}
        score = np.clip(rng.beta(2, 2, CHUNK) + 0.02 * codes["sex"] + 0.01 * codes["race"], 0, 1)
        drawn: dict[str, Any] = {
            name: pyarrow.array(np.array(values, dtype=object)[codes[name]])
            for name, values in VALUES.items()
        }
        drawn["age"] = rng.integers(17, 90, CHUNK)
        drawn["score"] = np.round(score, 6)
        drawn["label"] = (rng.random(CHUNK) < score).astype("int64")
        chunk = pyarrow.table(drawn)
        if not writers:
            writers = [files.ParquetWriter(parquet, chunk.schema), csv.CSVWriter(text, chunk.schema)]
        for writer in writers:
            writer.write_table(chunk)
    for writer in writers:
        writer.close()


def in_a_process(kind: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, kind, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(kind: str, path: str) -> None:
    """What a process of its own does; its last line is what it found."""
    audit = audit_imported() if kind == "audit" else pandas_imported()
    start = time.process_time()
    idle = peak_memory()
    begin, begin_processor = time.perf_counter(), time.process_time()
    found = audit(path)
    work, processor = time.perf_counter() - begin, time.process_time() - begin_processor
    peak = peak_memory()
    times = {"start": start, "work": work, "processor": processor}
    print(json.dumps({**times, "idle": idle, "peak": peak, **found}))


def peak_memory() -> int:
    """Of this process so far, resident, in KiB. What `getrusage` tells may be that of the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def audit_imported() -> Any:
    import keras_fair.audit
    from keras_fair.cli import main as command

    keras_fair.audit("E[y] <= 1", [0.5, 0.6], {})  # what is imported when it is first used

    def audited(path: str) -> dict[str, Any]:
        with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
            columns = ["--prediction", "score", "--label", "label"]
            command(["audit", path, "-c", CONSTRAINTS, *columns, "--json", file.name])
            content = Path(file.name).read_text(encoding="utf-8")
        report = json.loads(content)
        statistics = [each for row in report["relations"] for each in row["statistics"]]
        return {"numbers": {each["text"]: each["value"] for each in statistics}, "report": report}

    return audited


def pandas_imported() -> Any:
    import pandas

    def grouped(path: str) -> dict[str, Any]:
        read = pandas.read_parquet if path.endswith("parquet") else pandas.read_csv
        people = read(path, **{"columns" if path.endswith("parquet") else "usecols": COLUMNS})
        people["selected"] = people["score"] >= 0.5
        people["residual"] = people["label"] - people["score"]
        people["young"] = people["age"] < 25
        chosen = people[people["selected"]]
        found: dict[str, float] = {}

        def take(series: Any, text: str) -> None:
            for key, value in series.items():
                key = key if isinstance(key, tuple) else (key,)
                found[text.format(*key)] = float(value)

        by_sex, by_race = people.groupby("sex"), people.groupby("race")
        take(by_sex["score"].mean(), "E[y | sex={}]")
        take(by_sex["selected"].mean(), "P[y >= 0.5 | sex={}]")
        take(people.groupby(["sex", "label"])["selected"].mean(), "P[y >= 0.5 | sex={}, label={}]")
        take(chosen.groupby("sex")["label"].mean(), "E[label | y >= 0.5, sex={}]")
        take(by_race["score"].mean(), "E[y | race={}]")
        take(by_race["selected"].mean(), "P[y >= 0.5 | race={}]")
        take(people.groupby(["race", "sex"])["score"].mean(), "E[y | race={}, sex={}]")
        labelled = people[people["label"] == 1]
        take(labelled.groupby("race")["selected"].mean(), "P[y >= 0.5 | race={}, label=1]")
        rates = people.groupby("young")["selected"].mean()
        found["P[y >= 0.5 | age < 25]"] = float(rates[True])
        found["P[y >= 0.5 | age >= 25]"] = float(rates[False])
        take(people.groupby("region")["residual"].mean(), "E[label - y | region={}]")
        return {"numbers": found, "report": {}}

    return grouped


if __name__ == "__main__":
    if len(sys.argv) == 3:
        one(*sys.argv[1:])
    else:
        main()
