"""Changes amounts of an export by one minor unit: tamper_books.py posting|transfer FROM TO

`posting` changes one posting, `transfer` both of a transfer, in the middle of the file.
"""

import re
import sys
from pathlib import Path

POSTING = re.compile(r"^(    \S+  )(-?)([0-9.]+)( [A-Z]{3})$")


def one_more(line):
    head, sign, amount, currency = POSTING.match(line).groups()
    digits = str(int(amount.replace(".", "")) + 1)
    places = len(amount.partition(".")[2])
    if places:
        digits = digits.rjust(places + 1, "0")
        digits = digits[:-places] + "." + digits[-places:]
    return head + sign + digits + currency


def main(what, source, target):
    lines = Path(source).read_text(encoding="utf-8").splitlines()
    postings = [number for number, line in enumerate(lines) if POSTING.match(line)]
    first = postings[len(postings) // 4 * 2]  # postings come in pairs
    for number in range(first, first + {"posting": 1, "transfer": 2}[what]):
        lines[number] = one_more(lines[number])
    Path(target).write_text("\n".join(lines) + "\n", encoding="utf-8")


main(sys.argv[1], sys.argv[2], sys.argv[3])
