package backup

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"nidan/internal/secret"
)

// The file: age over gzip over frames. A frame is its kind, its length and that many
// bytes. The header comes first; then for each table a frame that begins it, a frame a
// row and one that ends it; then the digest over all that came before, sealed with
// the portal's key: who only knows the public key that backups are encrypted to can
// make none.
const (
	frameHeader byte = 'H'
	frameTable  byte = 'T'
	frameRow    byte = 'R'
	frameEnd    byte = 'E'
	frameSeal   byte = 'Z'
)

// format is the version of all this.
const format = 1

// sealRow and proofRow bind what is sealed to its place.
const (
	sealRow  = "backup/end"
	proofRow = "backup/header"
)

// tableEnd is what a table came to.
type tableEnd struct {
	Rows int64  `json:"rows"`
	Sum  string `json:"sum"`
}

// out writes frames.
type out struct {
	to     *bufio.Writer
	pack   *gzip.Writer
	digest hash.Hash
	length [binary.MaxVarintLen64]byte
}

func newOut(w io.Writer) (*out, error) {
	pack, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	o := &out{pack: pack, digest: sha256.New()}
	o.to = bufio.NewWriterSize(io.MultiWriter(o.pack, o.digest), 64<<10)
	return o, nil
}

func (o *out) frame(kind byte, content []byte) error {
	_ = o.to.WriteByte(kind) // bufio keeps the first error for the last write
	_, _ = o.to.Write(binary.AppendUvarint(o.length[:0], uint64(len(content))))
	_, err := o.to.Write(content)
	return err
}

func (o *out) json(kind byte, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return o.frame(kind, content)
}

// end seals what was written.
func (o *out) end(keys *secret.Keys) error {
	if err := o.to.Flush(); err != nil {
		return err
	}
	if err := o.frame(frameSeal, keys.Seal(secret.ForBackup, sealRow, o.digest.Sum(nil))); err != nil {
		return err
	}
	return errors.Join(o.to.Flush(), o.pack.Close())
}

// in reads frames. Whatever is wrong with them is ErrDamaged.
type in struct {
	from   *bufio.Reader
	digest hash.Hash
	held   []byte
	size   [1 + binary.MaxVarintLen64]byte
}

func newIn(r io.Reader) (*in, error) {
	unpack, err := gzip.NewReader(r)
	if err != nil {
		return nil, damaged(err)
	}
	return &in{from: bufio.NewReaderSize(unpack, 64<<10), digest: sha256.New()}, nil
}

func damaged(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// next is the next frame; its content holds until the one after it is read.
func (i *in) next() (kind byte, content []byte, err error) {
	if kind, err = i.from.ReadByte(); err != nil {
		return 0, nil, damaged(err)
	}
	size, err := binary.ReadUvarint(i.from)
	if err != nil {
		return 0, nil, damaged(err)
	}
	if size > longest {
		return 0, nil, fmt.Errorf("%w: a part of it is %d bytes long", ErrDamaged, size)
	}
	if content, err = i.read(int(size)); err != nil {
		return 0, nil, damaged(err)
	}
	if kind != frameSeal {
		i.digest.Write(binary.AppendUvarint(append(i.size[:0], kind), size))
		i.digest.Write(content)
	}
	return kind, content, nil
}

// read is so many bytes. A length is believed piece by piece: one that was forged costs
// no more memory than came.
func (i *in) read(size int) ([]byte, error) {
	i.held = i.held[:0]
	for len(i.held) < size {
		from, n := len(i.held), min(size-len(i.held), 1<<20)
		i.held = slices.Grow(i.held, n)[:from+n]
		if _, err := io.ReadFull(i.from, i.held[from:]); err != nil {
			return nil, err
		}
	}
	return i.held, nil
}

// want is the next frame, which must be of a kind.
func (i *in) want(kind byte) ([]byte, error) {
	is, content, err := i.next()
	if err == nil && is != kind {
		err = fmt.Errorf("%w: it is out of order", ErrDamaged)
	}
	return content, err
}

func (i *in) json(kind byte, value any) error {
	content, err := i.want(kind)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, value); err != nil {
		return damaged(err)
	}
	return nil
}

// end reads the seal, and that nothing comes after it.
func (i *in) end(keys *secret.Keys) error {
	content, err := i.want(frameSeal)
	if err != nil {
		return err
	}
	sum, err := keys.Open(secret.ForBackup, sealRow, content)
	if err != nil || !secret.Equal(sum, i.digest.Sum(nil)) {
		return fmt.Errorf("%w: its end does not seal what came before", ErrDamaged)
	}
	if n, err := io.Copy(io.Discard, i.from); err != nil || n > 0 {
		return fmt.Errorf("%w: something follows its end", ErrDamaged)
	}
	return nil
}
