"""Checks the rule of `tech_sme.py` on cases worked out by hand, through the same files as the benchmark.

Each case changes some facts of a firm that has exactly 60 points: 12 for its staff, 30 for its research, 18 for its
rights.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import columns
from tech_sme import RegisterStatus

WORDS = RegisterStatus.names.tolist()
VALID, EXPIRED = WORDS.index("valid"), WORDS.index("expired")
MILLION = 1_000_000_00  # in fen

BASE = {
    "staff": 100,
    "tech_staff": 20,
    "annual_sales": 100 * MILLION,
    "total_assets": 50 * MILLION,
    "rd_expense": 4 * MILLION,
    "total_cost": 90 * MILLION,
    "class1_ip": 0,
    "class2_ip": 3,
    "resident_enterprise": 1,
    "prohibited_products": 0,
    "major_incident": 0,
    "integrity_listed": 0,
    "hnte_status": 0,
    "national_award": 0,
    "provincial_rd_body": 0,
    "standard_led": 0,
}
# Less than 2% of sales, so that only the ratio to cost counts.
COST = {"annual_sales": 200 * MILLION, "rd_expense": 3 * MILLION}
KINDS = {"hnte_status": "word"}
KINDS |= dict.fromkeys(["annual_sales", "total_assets", "rd_expense", "total_cost"], "money")
KINDS |= dict.fromkeys(["staff", "tech_staff", "class1_ip", "class2_ip"], "count")

CASES = [
    ({}, True, "60 points are enough"),
    ({"class2_ip": 2}, False, "54 are not"),
    ({"class2_ip": 9, "tech_staff": 25, "rd_expense": 3 * MILLION}, True, "16 + 20 + 24"),
    ({"class2_ip": 9, "tech_staff": 24, "rd_expense": 3 * MILLION}, False, "12 + 20 + 24"),
    ({"class2_ip": 9, "tech_staff": 25, "rd_expense": 3 * MILLION - 100}, False, "16 + 10 + 24"),
    ({"tech_staff": 19}, False, "8 + 30 + 18"),
    ({"tech_staff": 15, "rd_expense": 5 * MILLION, "class2_ip": 2}, True, "8 + 40 + 12"),
    ({"tech_staff": 14, "rd_expense": 5 * MILLION, "class2_ip": 2}, False, "4 + 40 + 12"),
    ({"tech_staff": 15, "rd_expense": 5 * MILLION - 100, "class2_ip": 2}, False, "8 + 30 + 12"),
    ({"tech_staff": 10, "rd_expense": 6 * MILLION, "class2_ip": 1}, True, "4 + 50 + 6"),
    ({"tech_staff": 10, "rd_expense": 6 * MILLION, "class2_ip": 0}, False, "4 + 50 + 0"),
    ({"tech_staff": 10, "rd_expense": 6 * MILLION - 100, "class2_ip": 1}, False, "4 + 40 + 6"),
    ({"tech_staff": 9, "rd_expense": 6 * MILLION, "class1_ip": 1}, False, "80 points, but none for staff"),
    ({"rd_expense": 4 * MILLION - 100}, False, "12 + 20 + 18"),
    ({"tech_staff": 30, "rd_expense": 2 * MILLION, "class1_ip": 1}, True, "20 + 10 + 30"),
    ({"tech_staff": 29, "rd_expense": 2 * MILLION, "class1_ip": 1}, False, "16 + 10 + 30"),
    ({"tech_staff": 30, "rd_expense": 2 * MILLION - 100, "class1_ip": 1}, False, "20 + 0 + 30"),
    (COST | {"total_cost": 10 * MILLION, "tech_staff": 10, "class2_ip": 1}, True, "30% of cost: 4 + 50 + 6"),
    (COST | {"total_cost": 10 * MILLION + 100, "tech_staff": 10, "class2_ip": 1}, False, "4 + 40 + 6"),
    (COST | {"total_cost": 12 * MILLION, "tech_staff": 15, "class2_ip": 2}, True, "25%: 8 + 40 + 12"),
    (COST | {"total_cost": 12 * MILLION + 100, "tech_staff": 15, "class2_ip": 2}, False, "8 + 30 + 12"),
    (COST | {"total_cost": 15 * MILLION}, True, "20%: 12 + 30 + 18"),
    (COST | {"total_cost": 15 * MILLION + 100}, False, "12 + 20 + 18"),
    (COST | {"total_cost": 20 * MILLION, "tech_staff": 25, "class2_ip": 4}, True, "15%: 16 + 20 + 24"),
    (COST | {"total_cost": 20 * MILLION + 100, "tech_staff": 25, "class2_ip": 4}, False, "16 + 10 + 24"),
    (COST | {"total_cost": 30 * MILLION, "tech_staff": 30, "class1_ip": 1}, True, "10%: 20 + 10 + 30"),
    (COST | {"total_cost": 30 * MILLION + 100, "tech_staff": 30, "class1_ip": 1}, False, "20 + 0 + 30"),
    ({"staff": 500, "tech_staff": 100}, True, "500 are allowed"),
    ({"staff": 501, "tech_staff": 150}, False, "501 are not"),
    ({"annual_sales": 200 * MILLION, "rd_expense": 20 * MILLION}, True, "sales at the limit"),
    ({"annual_sales": 200 * MILLION + 100, "rd_expense": 20 * MILLION}, False, "sales over the limit"),
    ({"total_assets": 200 * MILLION}, True, "assets at the limit"),
    ({"total_assets": 200 * MILLION + 100}, False, "assets over the limit"),
    ({"resident_enterprise": 0}, False, "not a resident enterprise"),
    ({"prohibited_products": 1}, False, "prohibited products"),
    ({"major_incident": 1}, False, "a major incident"),
    ({"integrity_listed": 1}, False, "on a list"),
    ({"tech_staff": 0, "hnte_status": VALID}, True, "the fast track waives the score"),
    ({"tech_staff": 0, "hnte_status": EXPIRED}, False, "an expired certificate waives nothing"),
    ({"tech_staff": 0, "national_award": 1}, True, "an award does too"),
    ({"tech_staff": 0, "provincial_rd_body": 1}, True, "a research body does too"),
    ({"tech_staff": 0, "standard_led": 1}, True, "a standard does too"),
    ({"staff": 501, "hnte_status": VALID}, False, "the fast track does not waive the size"),
    ({"integrity_listed": 1, "hnte_status": VALID, "standard_led": 1}, False, "nor the lists"),
]


def measure(firms: list[dict[str, int]], folder: Path) -> tuple[dict, bytes]:
    """What the benchmark's script says of these firms."""
    facts, outcomes = folder / "facts", folder / "outcomes"
    descriptions = [{"kind": KINDS.get(name, "bool"), "name": name} for name in BASE]
    for description in descriptions:
        if description["kind"] == "word":
            description["words"] = WORDS
    columns.write(facts, descriptions, [[firm[name] for firm in firms] for name in BASE])
    command = [sys.executable, Path(__file__).with_name("measure.py"), facts, "--outcomes", outcomes]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(answer), outcomes.read_bytes()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _, outcomes = measure([BASE | change for change, _, _ in CASES], Path(folder))
    wrong = [why for (_, passes, why), found in zip(CASES, outcomes, strict=True) if passes != found]
    for why in wrong:
        print(f"wrong: {why}")
    print(f"{len(CASES) - len(wrong)} passed, {len(wrong)} failed")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
