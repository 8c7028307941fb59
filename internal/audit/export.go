package audit

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"nidan/internal/store"
)

// line is one row in an export.
type line struct {
	Chain     string            `json:"chain"`
	Seq       int64             `json:"seq"`
	At        string            `json:"at"`
	Act       string            `json:"act"`
	ActorKind Kind              `json:"actor_kind"`
	Actor     string            `json:"actor"`
	Subject   string            `json:"subject"`
	Network   string            `json:"network"`
	Detail    map[string]string `json:"detail"`
	Previous  string            `json:"previous"`
	Digest    string            `json:"digest"`
}

// Export writes every chain as JSON lines, oldest first, in bounded memory.
func Export(ctx context.Context, r store.Reader, w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return eachChain(ctx, r, func(chain string) error {
		for seq := beginning; ; {
			rows, err := following(ctx, r, chain, seq)
			if err != nil {
				return fmt.Errorf("audit export of %s: %w", chain, err)
			}
			for _, row := range rows {
				if err := encoder.Encode(row.line()); err != nil {
					return fmt.Errorf("audit export: %w", err)
				}
				seq = row.Seq
			}
			if len(rows) < batch {
				return nil
			}
		}
	})
}

// WriteLine writes a row as a line of an export.
func (r Row) WriteLine(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r.line())
}

func (r Row) line() line {
	return line{
		Chain: r.Chain, Seq: r.Seq, At: r.At.UTC().Format(time.RFC3339Nano), Act: r.Act,
		ActorKind: r.Actor.Kind, Actor: r.Actor.ID, Subject: r.Subject, Network: r.Network,
		Detail: r.Detail, Previous: hex.EncodeToString(r.Previous), Digest: hex.EncodeToString(r.Digest),
	}
}
