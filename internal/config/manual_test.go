package config_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"nidan/internal/config"
)

var update = flag.Bool("update", false, "write docs/settings.md anew")

func TestTheManualsPageIsTheProgramsOwnList(t *testing.T) {
	const page = "../../docs/settings.md"
	if *update {
		if err := os.WriteFile(page, []byte(config.Manual()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != config.Manual() {
		t.Errorf("%s is not up to date: go test ./internal/config -update", page)
	}
}

func TestTheSampleHoldsEverySettingAtItsDefault(t *testing.T) {
	sample := config.Sample()
	same(t, "the settings of the sample as it is", load(t, write(t, "nidan.yaml", sample)), load(t, ""))
	active := regexp.MustCompile(`(?m)^#(\w)`).ReplaceAllString(sample, "$1")
	same(t, "the settings of the sample without its comment signs", load(t, write(t, "nidan.yaml", active)), load(t, ""))
	for line := range strings.Lines(load(t, "").String()) {
		env, _, _ := strings.Cut(line, "=")
		key := strings.ToLower(strings.TrimPrefix(env, "NIDAN_"))
		if !strings.Contains(active, "\n"+key+":") || !strings.Contains(sample, env) {
			t.Errorf("%s is not in the sample", env)
		}
	}
}
