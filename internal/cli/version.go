package cli

import (
	"context"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{ Asked }

// Help says more than one line.
func (versionCommand) Help() string {
	return "Prints the version, the commit it was built from and the Go release it was built with.\n\nExample:\n\n\tnidan version --json"
}

type version struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

// built is what the program knows of its own making.
func built() version {
	v := version{Version: "(devel)", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			v.Commit = setting.Value
		}
	}
	return v
}

// Run prints the version.
func (cmd versionCommand) Run(_ context.Context, c *Console) error {
	v := built()
	if cmd.JSON {
		return c.print(v)
	}
	c.say("nidan %s, %s, %s", v.Version, v.Go, v.System)
	return nil
}
