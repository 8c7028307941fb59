package totp

import (
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// vectors are those of RFC 4226 Appendix D and RFC 6238 Appendix B. Of the latter
// only the SHA-1 column counts here: the portal speaks nothing but SHA-1, since
// Google Authenticator and others read the algorithm of an otpauth link and then
// compute SHA-1 all the same. HMAC-SHA-1 is not touched by SHA-1's collisions.
type vectors struct {
	HOTP struct {
		Secret   string   `json:"secret_ascii"`
		Counters []string `json:"counters_from_0"`
	} `json:"hotp_sha1_6"`
	TOTP struct {
		Secrets map[string]string `json:"secrets_ascii"`
		Times   []struct {
			T    int64  `json:"t"`
			SHA1 string `json:"SHA1"`
		} `json:"times"`
	} `json:"totp_8"`
}

func read(t *testing.T) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("testdata/otp.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.HOTP.Counters) != 10 || len(v.TOTP.Times) != 6 {
		t.Fatalf("%d counters and %d times, not the 10 and 6 of the RFCs", len(v.HOTP.Counters), len(v.TOTP.Times))
	}
	return v
}

func TestCodesOfCountersAreThoseOfRFC4226(t *testing.T) {
	v := read(t)
	for counter, want := range v.HOTP.Counters {
		if got := HOTP([]byte(v.HOTP.Secret), int64(counter), Digits); got != want {
			t.Errorf("counter %d: %s, want %s", counter, got, want)
		}
	}
}

func TestCodesOfTimesAreThoseOfRFC6238(t *testing.T) {
	v := read(t)
	key := []byte(v.TOTP.Secrets["SHA1"])
	for _, at := range v.TOTP.Times {
		step := Step(time.Unix(at.T, 0))
		if got := HOTP(key, step, 8); got != at.SHA1 {
			t.Errorf("second %d, eight digits: %s, want %s", at.T, got, at.SHA1)
		}
		if got, want := Code(key, step), at.SHA1[2:]; got != want {
			t.Errorf("second %d, six digits: %s, want %s", at.T, got, want)
		}
	}
}

func TestAStepLastsThirtySeconds(t *testing.T) {
	start := time.Unix(1111111110, 0) // a multiple of 30
	for _, c := range []struct {
		after time.Duration
		steps int64
	}{{-time.Nanosecond, -1}, {0, 0}, {29*time.Second + 999999999, 0}, {30 * time.Second, 1}} {
		if got := Step(start.Add(c.after)) - Step(start); got != c.steps {
			t.Errorf("%s after its start: %d steps on", c.after, got)
		}
	}
	if got := StepStart(Step(start.Add(17 * time.Second))); !got.Equal(start) {
		t.Errorf("the step began at %s, want %s", got, start)
	}
}

var (
	someKey = []byte("12345678901234567890")
	someNow = time.Unix(1520650815, 0) // in the middle of a step
)

func TestTheWindowIsOneStepToEachSideAndTheRestIsAdvice(t *testing.T) {
	current := Step(someNow)
	for distance := int64(-25); distance <= 25; distance++ {
		want := Match{}
		switch {
		case distance >= -1 && distance <= 1:
			want = Match{Step: current + distance, Right: true}
		case distance >= -20 && distance <= 20: // ten minutes
			want = Match{Step: current + distance, Off: time.Duration(distance) * 30 * time.Second}
		}
		code := Code(someKey, current+distance)
		if got := Search(someKey, code, someNow); got != want {
			t.Errorf("%d steps away: %+v, want %+v", distance, got, want)
		}
		for name, now := range map[string]time.Time{"first": StepStart(current), "last": StepStart(current + 1).Add(-1)} {
			if got := Search(someKey, code, now); got != want {
				t.Errorf("%d steps away, at the step's %s instant: %+v", distance, name, got)
			}
		}
	}
}

// Codes repeat: among a million, two of 41 steps are the same now and then. Each
// now here is a step of someKey around which one does.
func TestOfTwoStepsWithOneCodeTheRightOneCounts(t *testing.T) {
	for _, c := range []struct {
		name          string
		now, one, two int64
		want          Match // its Step counted from now
	}{
		{"both in the window: the newest", 50897034, -1, 1, Match{Step: 1, Right: true}},
		{"now and the one before: now", 50424281, -1, 0, Match{Right: true}},
		{"now and the one after: the newer", 50424280, 0, 1, Match{Step: 1, Right: true}},
		{"one in the window, one beyond: the one within", 50900447, -1, 2, Match{Step: -1, Right: true}},
		{"both beyond: the nearest", 50296166, 3, -2, Match{Step: -2, Off: -time.Minute}},
		{"both beyond and equally far: the newer", 51776128, -2, 2, Match{Step: 2, Off: time.Minute}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code := Code(someKey, c.now+c.one)
			if code != Code(someKey, c.now+c.two) {
				t.Fatal("not a step around which a code repeats")
			}
			c.want.Step += c.now
			if got := Search(someKey, code, StepStart(c.now).Add(10*time.Second)); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestWhatIsNoCodeMatchesNothing(t *testing.T) {
	right := Code(someKey, Step(someNow))
	for _, code := range []string{"", right[:5], right + "0", "0" + right, " " + right, right + "\n", "+" + right[1:], "１２３４５６"} {
		if got := Search(someKey, code, someNow); got != (Match{}) {
			t.Errorf("%q: %+v", code, got)
		}
	}
}

func TestANewSecretHas160BitsOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		key := NewSecret()
		if len(key) != 20 || seen[string(key)] {
			t.Fatalf("%d bytes, seen before: %t", len(key), seen[string(key)])
		}
		seen[string(key)] = true
		if text := Text(key); len(text) != 32 || strings.ContainsAny(text, "=018") {
			t.Errorf("people cannot type %q", text)
		}
	}
}

func TestTheLinkIsWhatAppsRead(t *testing.T) {
	key := someKey
	want := "otpauth://totp/Business%20Portal:ichiro+nidan@example.jp?" +
		"algorithm=SHA1&digits=6&issuer=Business%20Portal&period=30&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	got := URI("Business Portal", "ichiro+nidan@example.jp", key)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhateverTheNamesTheLinkHoldsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		issuer := rapid.StringMatching(`[^:\x00]{1,20}`).Draw(t, "issuer")
		email := rapid.StringMatching(`[^:\x00]{1,20}@example\.jp`).Draw(t, "email")
		link := URI(issuer, email, someKey)
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		_, query, _ := strings.Cut(link, "?")
		if strings.Contains(query, "+") || strings.Contains(link, " ") {
			t.Errorf("some apps read %q otherwise", link)
		}
		if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/"+issuer+":"+email {
			t.Errorf("%s %s %q", u.Scheme, u.Host, u.Path)
		}
		if q := u.Query(); q.Get("issuer") != issuer || q.Get("secret") != Text(someKey) || len(q) != 5 {
			t.Errorf("%v", q)
		}
	})
}

// oathtool is another's implementation; ./test.sh installs it.
func TestOathtoolComputesTheSameCodes(t *testing.T) {
	if _, err := exec.LookPath("oathtool"); err != nil {
		t.Fatal("oathtool is missing, with which the codes are compared: run ./test.sh setup, or install the package oathtool")
	}
	for i, at := range []time.Time{someNow, time.Unix(59, 0), time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)} {
		key := someKey
		if i%2 == 0 {
			key = NewSecret()
		}
		out, err := exec.Command("oathtool", "--totp", "--now", at.UTC().Format("2006-01-02 15:04:05 UTC"), hex.EncodeToString(key)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got, want := Code(key, Step(at)), strings.TrimSpace(string(out)); got != want {
			t.Errorf("%s with key %x: %s, oathtool says %s", at, key, got, want)
		}
		out, err = exec.Command("oathtool", "--totp", "--base32", "--now", at.UTC().Format("2006-01-02 15:04:05 UTC"), Text(key)).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != Code(key, Step(at)) {
			t.Errorf("with the key as people type it: %v, %s", err, out)
		}
	}
}

func TestCodesKeepTheirLeadingZeros(t *testing.T) {
	zeros := 0
	for step := range int64(1000) {
		code := Code(someKey, step)
		if len(code) != Digits || strings.Trim(code, "0123456789") != "" {
			t.Fatalf("step %d: %q", step, code)
		}
		if code[0] == '0' {
			zeros++
		}
	}
	if zeros == 0 {
		t.Error("none of 1,000 codes begins with a zero")
	}
}
