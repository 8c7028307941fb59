package profile

import "strings"

// Browser is what a browser says of itself, as people would say it. Either part
// may be empty. It is a help to recognize one's own devices and proves nothing.
type Browser struct{ Name, System string }

// token is a word in a user agent, and what it means.
type token struct{ word, means string }

// The order matters: nearly every browser also names those it wants to be taken for.
var (
	browsers = []token{
		{"Edg/", "Microsoft Edge"}, {"EdgA/", "Microsoft Edge"}, {"EdgiOS/", "Microsoft Edge"},
		{"OPR/", "Opera"}, {"Opera", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"YJApp", "Yahoo! Japan"}, {"Line/", "LINE"},
		{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"},
		{"CriOS/", "Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"},
		{"Trident/", "Internet Explorer"}, {"MSIE ", "Internet Explorer"},
		{"Safari/", "Safari"}, {"curl/", "curl"},
	}
	systems = []token{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"},
		{"Windows", "Windows"}, {"Macintosh", "Mac"}, {"Mac OS X", "Mac"}, {"Linux", "Linux"}, {"FreeBSD", "FreeBSD"},
	}
)

// Read makes a user agent readable.
func Read(agent string) Browser {
	return Browser{Name: meaning(agent, browsers), System: meaning(agent, systems)}
}

func meaning(agent string, tokens []token) string {
	for _, t := range tokens {
		if strings.Contains(agent, t.word) {
			return t.means
		}
	}
	return ""
}
