package importing

import "embed"

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS
