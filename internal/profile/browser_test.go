package profile

import "testing"

func TestABrowserIsNamedAsPeopleWould(t *testing.T) {
	for agent, want := range map[string]Browser{
		firefox: {"Firefox", "Windows"},
		iphone:  {"Safari", "iPhone"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.186 Safari/537.36":                  {"Chrome", "Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91":    {"Microsoft Edge", "Windows"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_3) AppleWebKit/604.5.6 (KHTML, like Gecko) Version/11.0.3 Safari/604.5.6":                {"Safari", "Mac"},
		"Mozilla/5.0 (Linux; Android 8.0.0; SM-G960F) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/7.0 Chrome/59.0 Mobile Safari/537": {"Samsung Internet", "Android"},
		"Mozilla/5.0 (iPad; CPU OS 11_2 like Mac OS X) AppleWebKit/604.1.34 (KHTML, like Gecko) CriOS/64.0.3282.112 Mobile/15C114 Safari/604":  {"Chrome", "iPad"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 11_2 like Mac OS X) AppleWebKit/604.4.7 (KHTML, like Gecko) FxiOS/10.6 Mobile/15C114 Safari/604.4": {"Firefox", "iPhone"},
		"Mozilla/5.0 (X11; CrOS x86_64 10176.76.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/63.0.3239.140 Safari/537.36":                  {"Chrome", "ChromeOS"},
		"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko":                                                                 {"Internet Explorer", "Windows"},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0 Safari/537.36 OPR/51.0":                            {"Opera", "Linux"},
		"curl/7.58.0":                     {"curl", ""},
		"Something of its own on Windows": {"", "Windows"},
		"":                                {},
	} {
		if got := Read(agent); got != want {
			t.Errorf("%q: %+v, want %+v", agent, got, want)
		}
	}
}
