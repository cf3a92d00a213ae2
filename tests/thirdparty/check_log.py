"""Checks an exported log and its receipts with aics-tlog (PyPI), which shares no code with this
project.

usage: check_log.py BUNDLE [RECEIPT...]

It checks the checkpoint's signature, every tile and every entry against the checkpoint's root, and
each receipt: its checkpoint's signature, the inclusion of its entry, and that the bundle's
checkpoint is consistent with the receipt's.
"""

import base64
import sys
from pathlib import Path

from aics_tlog import (
    FileSystemTileReader,
    VKey,
    audit_tiles,
    consistency_proof_from_tiles,
    leaf_hash,
    parse_note,
    read_vkey_file,
    verify_checkpoint,
    verify_consistency,
    verify_inclusion,
)


class Rejected(Exception):
    pass


def open_checkpoint(text: bytes, key: VKey):
    result = verify_checkpoint(parse_note(text), key)
    if not result.ok:
        raise Rejected(f"checkpoint: {result.error}")
    return result


def check_bundle(bundle: Path, key: VKey):
    checkpoint = open_checkpoint((bundle / "checkpoint").read_bytes(), key)
    audit_tiles(FileSystemTileReader(bundle), checkpoint.size, checkpoint.root)
    return checkpoint


def check_receipt(path: Path, bundle: Path, now, key: VKey) -> None:
    head, found, note = path.read_bytes().partition(b"\n\n")
    lines = head.decode().split("\n")
    if not found or len(lines) < 3 or lines[0] != "c2sp.org/tlog-proof@v1":
        raise Rejected("not a tlog-proof")
    extra, index = lines[1].removeprefix("extra "), lines[2].removeprefix("index ")
    body = base64.b64decode(extra, validate=True)
    proof = [base64.b64decode(line, validate=True) for line in lines[3:]]
    then = open_checkpoint(note, key)
    if not verify_inclusion(leaf_hash(body), int(index), then.size, proof, then.root):
        raise Rejected(f"entry {index} is not in the log")
    tiles = FileSystemTileReader(bundle)
    consistency = consistency_proof_from_tiles(tiles, then.size, now.size)
    if not verify_consistency(then.size, now.size, then.root, now.root, consistency):
        raise Rejected("the bundle does not extend the receipt's log")


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    bundle, receipts = Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]]
    checked = bundle
    try:
        key = read_vkey_file((bundle / "log.vkey").read_text())
        checkpoint = check_bundle(bundle, key)
        for checked in receipts:
            check_receipt(checked, bundle, checkpoint, key)
    except (Rejected, ValueError, OSError) as error:
        print(f"check_log.py: {checked}: {error}", file=sys.stderr)
        return 1
    print(f"check_log.py: {checkpoint.size} entries and {len(receipts)} receipts hold")
    return 0


sys.exit(main())
