"""`keras-fair datasets`: what can be trained on, how many people, which attributes, from where."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from keras_fair.cli.catalogue import CATALOGUE
from keras_fair.cli.console import terminal, write_report
from keras_fair.cli.options import add_command

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command to `argparse`'s subparsers."""
    parser = add_command(
        commands,
        "datasets",
        help="list the data sets",
        description="List the data sets that `keras-fair run` takes.",
        epilog="examples:\n  keras-fair datasets\n\n  keras-fair datasets --json\n\n"
        "  keras-fair datasets --sample",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument(
        "--sample", action="store_true", help="print the path of a CSV file to try `keras-fair audit` with"
    )
    parser.set_defaults(command=_list)


def _list(options: argparse.Namespace) -> int:
    if options.sample:
        from keras_fair.datasets import sample_path

        write_report(str(sample_path()))
        return 0
    if options.json:
        entries = [{"name": name, **asdict(entry)} for name, entry in CATALOGUE.items()]
        write_report(json.dumps(entries, indent=2, ensure_ascii=False))
        return 0
    from rich.padding import Padding
    from rich.text import Text

    console = terminal()
    for name, entry in CATALOGUE.items():
        console.print(Text.assemble((name, "bold"), f"  {entry.people:,} people; label 1: {entry.label}"))
        attributes = [
            name_of + (f" ({', '.join(values)})" if values else "")
            for name_of, values in entry.attributes.items()
        ]
        for line in (f"attributes: {', '.join(attributes)}", entry.source, f"default: {entry.constraint}"):
            console.print(Padding(Text(line), (0, 0, 0, 4)))
    console.print(
        "\nFiles are looked for in --data, then in the folder that KERAS_FAIR_DATA names, then in the Keras "
        "cache; else they are downloaded. Their checksum is verified. lending is generated and needs no file."
    )
    return 0
