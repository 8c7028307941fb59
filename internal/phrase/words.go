package phrase

import "embed"

// Words are the phrases of this package.
//
//go:embed words
var Words embed.FS
