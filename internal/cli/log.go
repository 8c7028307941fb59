package cli

import (
	"log/slog"
)

// logger writes to stderr: text where somebody reads it, JSON for machines.
func (c *Console) logger(level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if c.ErrTerminal {
		return slog.New(slog.NewTextHandler(c.Err, options))
	}
	return slog.New(slog.NewJSONHandler(c.Err, options))
}
