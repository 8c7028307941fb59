package web

import (
	"regexp"
	"strings"
	"testing"
)

// away finds a link or a form that leads off the portal, and what stands there. It is
// the expression that its own test holds it to, looked for only where it may begin:
// trying the expression at each letter took longer than making the pages.
func away(page string) string {
	for rest := page; ; {
		at := strings.Index(rest, `="`)
		if at < 0 {
			break
		}
		name := rest[:at]
		rest = rest[at+len(`="`):]
		if leaves(strings.TrimLeft(rest, "\t\n\f\r ")) && (ends(name, "href") || ends(name, "src") || ends(name, "action")) {
			return rest[:min(len(rest), 200)]
		}
	}
	for rest := page; ; rest = rest[1:] {
		at := strings.IndexByte(rest, '<')
		if at < 0 {
			return ""
		}
		if rest = rest[at:]; begins(rest, "<img src=/") {
			return rest[:min(len(rest), 200)]
		}
	}
}

// leaves says whether an address leads off the portal.
func leaves(address string) bool {
	if len(address) >= 2 && strings.IndexByte(`/\`, address[0]) >= 0 && strings.IndexByte(`/\`, address[1]) >= 0 {
		return true
	}
	return begins(address, "http://") || begins(address, "https://") || begins(address, "javascript:")
}

func begins(text, with string) bool {
	return len(text) >= len(with) && strings.EqualFold(text[:len(with)], with)
}

func ends(text, with string) bool {
	return len(text) >= len(with) && strings.EqualFold(text[len(text)-len(with):], with)
}

func TestALinkAwayIsFoundWhereverItStands(t *testing.T) {
	expression := regexp.MustCompile(`(?i)((href|src|action)="\s*([/\\]{2}|https?://|javascript:)|<img src=/)[^"]*`)
	leading, staying := 0, 0
	for _, before := range []string{"", `<p class="a" title="b=">`, `<img src="/x"><`, strings.Repeat(`<a href="/x">`, 9)} {
		for _, name := range []string{"href", "SRC", "action", "data-Href", "hre", "alt", ""} {
			for _, gap := range []string{"", " ", "\t\n", "\f\r", "\v", "\u00a0"} {
				for _, to := range []string{"//evil", `/\evil`, `\\evil`, `\/`, "/", "/x//y", "", "?to=//evil", "http://x", "HTTPS://x", "http:/x", "Javascript:x", "java", "x"} {
					for _, page := range []string{before + "<a " + name + `="` + gap + to + `">more`, before + name + `="` + gap + to, before + "<a " + name + "='" + to} {
						found, want := away(page) != "", expression.MatchString(page)
						if found != want {
							t.Errorf("%q leads away: %t, want %t", page, found, want)
						}
						if want {
							leading++
						} else {
							staying++
						}
					}
				}
			}
		}
		for _, image := range []string{"<img src=/x", "<<IMG Src=//x", "<img src=x", "<img  src=/x", "<img src=", "<"} {
			if found, want := away(before+image) != "", expression.MatchString(before+image); found != want {
				t.Errorf("%q leads away: %t, want %t", before+image, found, want)
			}
		}
	}
	if leading < 500 || staying < 500 {
		t.Errorf("only %d pages lead away, and %d do not", leading, staying)
	}
}
