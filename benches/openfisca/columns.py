"""Reads and writes a file of facts in columns: what the ledger's benchmark hands over.

The first line is JSON, `{"columns": [{"kind": K, "name": N}, …], "parties": P}`; after its line feed follow the
columns in that order without anything between, each of P signed integers of 64 bits, little-endian. K says what an
integer stands for, as `policy::Value::scalar` does:

* `money`: minor units (fen)
* `count`: itself
* `bool`: 0 or 1
* `word`: the place of the word in the column's list `words`, from 0
"""

import json
from pathlib import Path

import numpy

INTEGER = numpy.dtype("<i8")


def read(path: Path) -> tuple[list[dict], list[numpy.ndarray]]:
    """The columns' descriptions, and their integers."""
    with path.open("rb") as file:
        header = json.loads(file.readline())
        parties = header["parties"]
        columns = [numpy.fromfile(file, INTEGER, parties) for _ in header["columns"]]
        if file.read(1) or any(len(column) != parties for column in columns):
            raise ValueError(f"{path} is not as long as its first line says")
    return header["columns"], columns


def write(path: Path, descriptions: list[dict], columns: list[list[int]]) -> None:
    """Writes such a file."""
    with path.open("wb") as file:
        header = {"columns": descriptions, "parties": len(columns[0])}
        file.write(json.dumps(header, ensure_ascii=False).encode() + b"\n")
        for column in columns:
            numpy.array(column, INTEGER).tofile(file)
