// Checks an exported log and its receipts with golang.org/x/mod/sumdb/{note,tlog}, which share no
// code with this project.
//
// usage: check-log-go BUNDLE [RECEIPT...]
//
// It checks the checkpoint's signature, the root and every tile against the entries, and each receipt: its checkpoint's signature, the inclusion of its entry, and that the
// bundle's checkpoint is consistent with the receipt's.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("check-log-go: ")
	if len(os.Args) < 2 {
		log.Fatal("usage: check-log-go BUNDLE [RECEIPT...]")
	}
	bundle := bundleReader(os.Args[1])
	tree, verifiers, err := bundle.open()
	if err != nil {
		log.Fatal(err)
	}
	if err := bundle.check(tree); err != nil {
		log.Fatal(err)
	}
	for _, path := range os.Args[2:] {
		if err := bundle.checkReceipt(path, tree, verifiers); err != nil {
			log.Fatalf("%s: %v", path, err)
		}
	}
	fmt.Printf("check-log-go: %d entries and %d receipts hold\n", tree.N, len(os.Args)-2)
}

// bundleReader is the folder of a bundle; it reads tiles for tlog.
type bundleReader string

func (b bundleReader) Height() int { return height }

func (b bundleReader) SaveTiles([]tlog.Tile, [][]byte) {}

func (b bundleReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(b), tilePath(tile)))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", tilePath(tile), len(data))
		}
		all = append(all, data)
	}
	return all, nil
}

func (b bundleReader) open() (tlog.Tree, note.Verifiers, error) {
	key, err := os.ReadFile(filepath.Join(string(b), "log.vkey"))
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	verifiers := note.VerifierList(verifier)
	checkpoint, err := os.ReadFile(filepath.Join(string(b), "checkpoint"))
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	tree, err := openCheckpoint(checkpoint, verifiers)
	return tree, verifiers, err
}

func openCheckpoint(text []byte, verifiers note.Verifiers) (tlog.Tree, error) {
	opened, err := note.Open(text, verifiers)
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != opened.Sigs[0].Name || lines[3] != "" {
		return tlog.Tree{}, errors.New("the signed note is not a checkpoint of the key's log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return tlog.Tree{}, fmt.Errorf("bad size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// check builds the tree again from the entries, and compares its root with the checkpoint's and its
// tiles with those in the bundle. (tlog.TileHashReader is too weak for this: where several of the
// subtrees that make up the root lie in one tile, it leaves as many other tiles unauthenticated.)
func (b bundleReader) check(tree tlog.Tree) error {
	var stored []tlog.Hash
	rebuilt := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for first := int64(0); first < tree.N; first += width {
		entries, err := b.readEntries(first, tree.N)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			hashes, err := tlog.StoredHashes(first+int64(i), entry, rebuilt)
			if err != nil {
				return err
			}
			stored = append(stored, hashes...)
		}
	}
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		atLevel := tree.N >> (height * tile.L)
		if tile.W < width && int64(tile.W) != atLevel%width {
			continue // partial tiles of smaller trees need not be kept
		}
		want, err := tlog.ReadTileData(tile, rebuilt)
		if err != nil {
			return err
		}
		kept, err := b.ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return err
		}
		if !bytes.Equal(kept[0], want) {
			return fmt.Errorf("%s differs from the entries", tilePath(tile))
		}
	}
	root, err := tlog.TreeHash(tree.N, rebuilt)
	if err != nil {
		return err
	}
	if tree.N > 0 && root != tree.Hash {
		return errors.New("the root over the entries differs from the checkpoint's")
	}
	return nil
}

// readEntries reads the bundle that begins with an entry, in a log of some size.
func (b bundleReader) readEntries(first, size int64) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: -1, N: first / width, W: width}
	if rest := size - first; rest < width {
		tile.W = int(rest)
	}
	data, err := os.ReadFile(filepath.Join(string(b), tilePath(tile)))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends inside entry %d", tilePath(tile), first+int64(len(entries)))
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if len(entries) != tile.W {
		return nil, fmt.Errorf("%s has %d entries", tilePath(tile), len(entries))
	}
	return entries, nil
}

// tilePath is the C2SP path: without the height, which is always 8, and with entries for data.
func tilePath(tile tlog.Tile) string {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

func (b bundleReader) checkReceipt(path string, now tlog.Tree, verifiers note.Verifiers) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, checkpoint, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" ||
		!strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") {
		return errors.New("not a tlog-proof with an entry in the line extra")
	}
	body, err := base64.StdEncoding.Strict().DecodeString(lines[1][len("extra "):])
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(lines[2][len("index "):], 10, 64)
	if err != nil || index < 0 {
		return fmt.Errorf("bad index %q", lines[2])
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	then, err := openCheckpoint([]byte(checkpoint), verifiers)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, then.N, then.Hash, index, tlog.RecordHash(body)); err != nil {
		return err
	}
	return b.checkConsistency(then, now)
}

// checkConsistency checks that the larger of two trees extends the smaller one; the bundle can prove
// it as far as it reaches.
func (b bundleReader) checkConsistency(then, now tlog.Tree) error {
	if then.N > now.N {
		return fmt.Errorf("the receipt's log of %d entries is newer than the bundle of %d", then.N, now.N)
	}
	proof, err := tlog.ProveTree(now.N, then.N, tlog.TileHashReader(now, b))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, now.N, now.Hash, then.N, then.Hash)
}
