package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
)

// Sum is how many rows a table has and what they are, in whatever order they were
// read: the sum of the rows' digests. It finds faults, not forgers.
type Sum struct {
	Rows   int64
	digest [4]uint64
}

func (s *Sum) add(row []byte) {
	sum := sha256.Sum256(row)
	s.Rows++
	for i := range s.digest {
		s.digest[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
}

func (s *Sum) String() string {
	var b [32]byte
	for i, lane := range s.digest {
		binary.BigEndian.PutUint64(b[8*i:], lane)
	}
	return hex.EncodeToString(b[:])
}

// The marks before each value of a row.
const (
	isNull byte = iota
	isInteger
	isFalse
	isTrue
	isText
	isBytes
)

// longest is how long one value may be; attachments lie in much shorter pieces.
const longest = 64 << 20

// encode appends a row, each value with its kind.
func encode(b []byte, values []any) []byte {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, isNull)
		case int64:
			b = binary.AppendVarint(append(b, isInteger), v)
		case bool:
			if v {
				b = append(b, isTrue)
			} else {
				b = append(b, isFalse)
			}
		case string:
			b = append(binary.AppendUvarint(append(b, isText), uint64(len(v))), v...)
		case []byte:
			b = append(binary.AppendUvarint(append(b, isBytes), uint64(len(v))), v...)
		default:
			panic("backup: a value of no kind of the store")
		}
	}
	return b
}

// decode reads a row of n values; nil when it is none.
func decode(b []byte, n int) []any {
	values := make([]any, 0, n)
	for len(b) > 0 && len(values) < n {
		mark := b[0]
		b = b[1:]
		switch mark {
		case isNull:
			values = append(values, nil)
		case isFalse, isTrue:
			values = append(values, mark == isTrue)
		case isInteger:
			v, read := binary.Varint(b)
			if read <= 0 {
				return nil
			}
			values, b = append(values, v), b[read:]
		case isText, isBytes:
			size, read := binary.Uvarint(b)
			if read <= 0 || size > math.MaxInt32 || int(size) > len(b)-read {
				return nil
			}
			b = b[read:]
			if mark == isText {
				values = append(values, string(b[:size]))
			} else {
				values = append(values, b[:size:size])
			}
			b = b[size:]
		default:
			return nil
		}
	}
	if len(b) > 0 || len(values) != n {
		return nil
	}
	return values
}
