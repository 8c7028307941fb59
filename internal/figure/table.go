package figure

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine names the machine that figures were taken on, as far as Linux tells.
func Machine() string {
	about := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		about = append(about, model)
	}
	if memory := field("/proc/meminfo", "MemTotal"); memory != "" {
		var kib float64
		if _, err := fmt.Sscan(memory, &kib); err == nil {
			about = append(about, fmt.Sprintf("%.0f GiB", kib/(1<<20)))
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		about = append(about, "load at the end "+strings.Fields(string(load) + " ?")[0])
	}
	return strings.Join(append(about, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version()), ", ")
}

// field is the first value of a name in a file of lines such as "name : value".
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "" // not on this system
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// shown is a value with three digits that say something, and never in powers of ten.
func shown(v float64) string {
	digits := 3
	for size := 1.0; digits > 0 && v >= size; size *= 10 {
		digits--
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// Table is figures as Markdown, each beside its limit.
func Table(figures []Figure, machine string, postgresql bool) string {
	engine := "SQLite, synchronous=FULL"
	if postgresql {
		engine = "PostgreSQL"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "On %s; %s.\n\n| bench | what | figure | limit | |\n| --- | --- | --- | --- | --- |\n", engine, machine)
	for _, f := range figures {
		verdict := ""
		switch {
		case f.Limit == "":
		case f.Holds:
			verdict = "holds"
		default:
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.Bench, strings.ReplaceAll(f.Name, "|", "\\|"), strings.TrimSpace(shown(f.Value)+" "+f.Unit), f.Limit, verdict)
	}
	return b.String()
}
