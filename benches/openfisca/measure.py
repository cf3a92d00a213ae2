"""Times OpenFisca on the tech-SME rule over a file of facts (`columns.py`), the evaluation alone.

Prints one line of JSON: `seconds` of the best of five evaluations, each in a new simulation whose facts are in memory
already; `lean_seconds`, the same with the formulas of `lean.py`, which must find the same; how many `parties` there
were and how many `passed`; and the `sha256` of the outcomes. With `--outcomes FILE` they are written there: a byte for
each party in the order of the columns, 1 if it passed and else 0.

Seconds are those of the processor. The evaluation has one thread and never waits, so that they are what it takes on a
machine of its own; the time that passes is up to six times as long on a busy one, and would flatter whom it is the
reference for.
"""

import argparse
import hashlib
import json
import time
from importlib.metadata import version
from pathlib import Path

import numpy
from openfisca_core.simulation_builder import SimulationBuilder

import columns
from lean import Lean
from tech_sme import RegisterStatus, tax_benefit_system

YEAR = "2020"
ROUNDS = 5


def as_variable(description: dict, column: numpy.ndarray) -> numpy.ndarray:
    """The column in the type in which OpenFisca keeps it, so that no conversion is left to be timed."""
    match description["kind"]:
        case "bool":
            return column.astype(bool)
        case "count":
            return exactly_32_bits(column)
        case "money":
            yuan, fen = numpy.divmod(column, 100)
            if fen.any():
                raise ValueError(f"{description['name']}: an amount is not in whole yuan")
            return exactly_32_bits(yuan)
        case "word":
            if description["words"] != RegisterStatus.names.tolist():
                raise ValueError(f"{description['name']}: other words than tech_sme.py has")
            return RegisterStatus.encode(column)
        case kind:
            raise ValueError(f"{description['name']}: kind {kind}")


def exactly_32_bits(column: numpy.ndarray) -> numpy.ndarray:
    """The same numbers, refused where they do not fit."""
    narrow = column.astype(numpy.int32)
    if (narrow != column).any():
        raise ValueError("a number needs more than 32 bits")
    return narrow


def evaluate(system, facts: dict[str, numpy.ndarray]) -> tuple[float, numpy.ndarray]:
    """Seconds of one evaluation, and its outcomes."""
    parties = len(next(iter(facts.values())))
    simulation = SimulationBuilder().build_default_simulation(system, parties)
    for name, values in facts.items():
        simulation.set_input(name, YEAR, values)
    begun = time.process_time()
    outcomes = simulation.calculate("tech_sme", YEAR)
    return time.process_time() - begun, outcomes


def best(system, facts: dict[str, numpy.ndarray]) -> tuple[float, bytes]:
    """Seconds of the best evaluation, and the outcomes as bytes."""
    rounds = [evaluate(system, facts) for _ in range(ROUNDS)]
    return min(seconds for seconds, _ in rounds), rounds[0][1].astype(numpy.uint8).tobytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("facts", type=Path)
    parser.add_argument("--outcomes", type=Path)
    arguments = parser.parse_args()
    descriptions, integers = columns.read(arguments.facts)
    facts = {
        description["name"]: as_variable(description, column)
        for description, column in zip(descriptions, integers, strict=True)
    }
    system = tax_benefit_system()
    seconds, outcomes = best(system, facts)
    lean_seconds, lean_outcomes = best(Lean(system), facts)
    if outcomes != lean_outcomes:
        raise ValueError("the lean formulas find something else")
    if arguments.outcomes:
        arguments.outcomes.write_bytes(outcomes)
    answer = {
        "lean_seconds": lean_seconds,
        "openfisca": version("OpenFisca-core"),
        "parties": len(outcomes),
        "passed": sum(outcomes),
        "seconds": seconds,
        "sha256": hashlib.sha256(outcomes).hexdigest(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
