"""Compares balances of hledger and beancount with ours: compare_books.py FOLDER HLEDGER.csv FILE.beancount

FOLDER/balances has what the service keeps in its account rows; FOLDER/csv has every transfer, which is
added up here once more.
"""

import csv
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from beancount import loader
from beancount.core import data


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def by_hledger(path):
    return {(row["account"], row["commodity"]): Decimal(row["balance"]) for row in rows(path)}


def by_beancount(path):
    entries, errors, _ = loader.load_file(path)
    if errors:
        sys.exit(f"beancount: {errors[0].message}")
    balances = defaultdict(Decimal)
    for entry in data.filter_txns(entries):
        for posting in entry.postings:
            balances[posting.account, posting.units.currency] += posting.units.number
    return balances


def by_transfers(path):
    balances = defaultdict(Decimal)
    for row in rows(path):
        balances[row["debit_account"], row["currency"]] += Decimal(row["amount"])
        balances[row["credit_account"], row["currency"]] -= Decimal(row["amount"])
    return balances


def compare(name, ours, theirs):
    for account in sorted(ours.keys() | theirs.keys()):
        if ours.get(account, Decimal(0)) != theirs.get(account, Decimal(0)):
            sys.exit(f"{name} has {theirs.get(account)} on {account}, we have {ours.get(account)}")


def main(folder, hledger, beancount):
    ours = list(rows(folder / "balances"))
    if not ours:
        sys.exit("there is no account to compare")
    exported = {(row["exported_as"], row["currency"]): Decimal(row["debit_balance"]) for row in ours}
    accounts = {(row["account"], row["currency"]): Decimal(row["debit_balance"]) for row in ours}
    compare("hledger", exported, by_hledger(hledger))
    compare("beancount", exported, by_beancount(beancount))
    compare("the sum of the CSV's transfers", accounts, by_transfers(folder / "csv"))
    print(f"{len(ours)} balances agree")


main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
