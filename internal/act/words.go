package act

import "embed"

// Words are this room's phrases: why something is refused.
//
//go:embed words
var Words embed.FS
