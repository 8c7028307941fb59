package setup

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the light margin around a QR, in modules (ISO/IEC 18004, 6.3.8).
// Scanners need it, whatever stands around it.
const quiet = 4

// picture is a QR as a square of Size modules, quiet zone included, whose dark
// modules are one SVG path. The page draws it dark on light in dark mode as well:
// many apps do not read an inverted one.
type picture struct {
	Size int
	Path string
}

// draw makes the picture of a text. Level M stands a scratched or glaring screen
// and still has large modules.
func draw(text string) (picture, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return picture{}, fmt.Errorf("qr: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return picture{Size: code.Size + 2*quiet, Path: path.String()}, nil
}
