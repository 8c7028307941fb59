package setup

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr"

	"nidan/internal/totp"
)

var runs = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

func TestThePictureIsTheCodeInAQuietZone(t *testing.T) {
	for _, email := range []string{"a@example.com", "hanako+portal@example.com", strings.Repeat("long.", 40) + "name@example.com"} {
		text := totp.URI("Nidan", email, []byte("12345678901234567890"))
		drawn, err := draw(text)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qr.Encode(text, qr.M)
		if err != nil {
			t.Fatal(err)
		}
		if drawn.Size != code.Size+8 {
			t.Fatalf("%d modules with the quiet zone, the code has %d", drawn.Size, code.Size)
		}
		if rest := runs.ReplaceAllString(drawn.Path, ""); rest != "" {
			t.Fatalf("the path holds %q", rest)
		}
		dark := map[string]bool{}
		for _, run := range runs.FindAllStringSubmatch(drawn.Path, -1) {
			x, _ := strconv.Atoi(run[1])
			length, _ := strconv.Atoi(run[3])
			if run[3] != run[4] {
				t.Fatalf("a run that does not close: %s", run[0])
			}
			for i := range length {
				dark[fmt.Sprint(x+i, " ", run[2])] = true
			}
		}
		for y := range drawn.Size {
			for x := range drawn.Size {
				if dark[fmt.Sprint(x, " ", y)] != code.Black(x-4, y-4) {
					t.Fatalf("%s: module %d, %d differs", email, x-4, y-4)
				}
			}
		}
	}
}

func TestATextTooLongForAPictureIsAnError(t *testing.T) {
	if _, err := draw(strings.Repeat("x", 3000)); err == nil {
		t.Error("3,000 bytes do not fit")
	}
}
