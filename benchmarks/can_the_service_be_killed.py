"""Does `keras-fair serve` with a stream keep what it answered, when its workers are killed under load?

Eight workers share a stream in an SQLite file; nothing is answered before it is saved. 32 connections ask for
one person at a time. Workers are killed by SIGKILL at random instants, and the parent starts others. After
each kill the store is compared with the answers (tests/serving/killing.py says how), and at the end the
pooled gap of all that was answered with its bound of 0.02.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _timing import table  # noqa: E402

from tests.serving.killing import killed  # noqa: E402
from tests.serving.started import PARITY, made_files, scored, served  # noqa: E402

WORKERS, CONNECTIONS, KILLS, SECONDS = 8, 32, 40, 3.0


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    with tempfile.TemporaryDirectory() as folder:
        made_files(folder)
        place = f"sqlite:///{folder}/state.db"
        options = ("--workers", str(WORKERS), "--stream", place, "-c", PARITY, "--values", "sex=Female,Male")
        with served(folder, *options) as service:
            load = {"connections": CONNECTIONS, "kills": kills, "seconds": SECONDS}
            found = killed(service, place, scored(folder), **load)
            code = service.stop()
        lines = [
            [
                *map(str, (found.kills, found.effective, found.answered, found.unanswered, found.counted)),
                str(found.lost),
                f"{found.apart:.1e}",
                f"{max(map(abs, found.gaps[len(found.gaps) // 10 :])):.4f}",
                f"{abs(found.gaps[-1]):.4f}",
                str(code),
            ]
        ]
        heading = [
            "kills",
            "with requests",
            "answered",
            "not answered",
            "of these counted",
            "answered and lost",
            "sums differ by",
            "largest gap",
            "at the end",
            "exit code",
        ]
        table(heading, lines)
        if found.lost or found.apart > 1e-3:
            raise SystemExit(f"answered requests are not in the store: {found}")


if __name__ == "__main__":
    main()
