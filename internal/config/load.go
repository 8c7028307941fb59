package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fault is one thing wrong with the settings.
type Fault struct {
	Setting string // its environment name, or a name that is none; "" for the file as a whole
	Where   string // "environment", "nidan.yaml:3", "default"
	Right   string // what is right
}

func (f Fault) String() string {
	if f.Setting == "" {
		return f.Where + ": " + f.Right
	}
	return fmt.Sprintf("%s (%s): %s", f.Setting, f.Where, f.Right)
}

// Faults are all things wrong with the settings.
type Faults []Fault

// Error is one fault a line.
func (f Faults) Error() string {
	text := make([]string, len(f))
	for i, fault := range f {
		text[i] = fault.String()
	}
	return strings.Join(text, "\n")
}

// loader gathers values from their sources, later ones over earlier ones.
type loader struct {
	settings []setting
	text     map[string]string // by environment name
	where    map[string]string
	faults   Faults
}

// Load reads the settings. file may be "": there is none then. The error, if
// any, is Faults: all that is wrong.
func Load(file string, environ []string) (Config, error) {
	l := loader{settings: settings(), text: map[string]string{}, where: map[string]string{}}
	for _, s := range l.settings {
		l.put(s.Env, s.Default, "default")
	}
	if file != "" {
		l.file(file)
	}
	l.environment(environ)
	config := l.config()
	if len(l.faults) > 0 {
		return Config{}, l.faults
	}
	return config, nil
}

func (l *loader) put(env, text, where string) { l.text[env], l.where[env] = text, where }

func (l *loader) fault(setting, where, right string) {
	l.faults = append(l.faults, Fault{setting, where, right})
}

// file reads the YAML file: one map of settings, each of them known and there once.
func (l *loader) file(path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		l.fault("", path, reason(err))
		return
	}
	var document, another yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&document); err != nil {
		if !errors.Is(err, io.EOF) { // an empty file sets nothing
			where, right := position(path, err)
			l.fault("", where, right)
		}
		return
	}
	if decoder.Decode(&another) != io.EOF {
		l.fault("", path, "must be one document")
		return
	}
	if root := document.Content[0]; root.Kind == yaml.MappingNode {
		l.mapping(path, root)
	} else if root.Tag != "!!null" {
		l.fault("", fmt.Sprintf("%s:%d", path, root.Line), "must hold settings, such as base_url: https://portal.example.com")
	}
}

// position turns "yaml: line 3: what is wrong" into the place and what is wrong.
func position(path string, err error) (where, wrong string) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, wrong, ok := strings.Cut(rest, ": "); ok {
			return path + ":" + line, wrong
		}
	}
	return path, text
}

func (l *loader) mapping(path string, root *yaml.Node) {
	known := map[string]string{}
	for _, s := range l.settings {
		known[s.Key()] = s.Env
	}
	met := map[string]int{}
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		where := fmt.Sprintf("%s:%d", path, key.Line)
		env, ok := known[key.Value]
		if !ok {
			l.fault(key.Value, where, "there is no such setting")
			continue
		}
		if line, twice := met[key.Value]; twice {
			l.fault(env, where, fmt.Sprintf("must be set once: line %d sets it too", line))
			continue
		}
		met[key.Value] = key.Line
		text, ok := scalar(value)
		if !ok {
			l.fault(env, where, "must be one value")
			delete(l.text, env) // not judged a second time
			continue
		}
		l.put(env, text, where)
	}
}

// scalar is the text of one value, or of a list of them, as it stands in the file.
func scalar(node *yaml.Node) (string, bool) {
	switch {
	case node.Tag == "!!null":
		return "", true
	case node.Kind == yaml.ScalarNode:
		return node.Value, true
	case node.Kind == yaml.SequenceNode:
		var items []string
		for _, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				return "", false
			}
			items = append(items, item.Value)
		}
		return strings.Join(items, ","), true
	}
	return "", false
}

// environment reads NIDAN_… and, for secrets, the files that NIDAN_…_FILE name.
func (l *loader) environment(environ []string) {
	set := map[string]string{}
	for _, pair := range environ {
		if name, text, ok := strings.Cut(pair, "="); ok {
			set[name] = text
		}
	}
	for _, s := range l.settings {
		if text, ok := set[s.Env]; ok {
			l.put(s.Env, text, "environment")
		}
		path := set[s.Env+"_FILE"]
		if !s.Secret || path == "" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			l.fault(s.Env+"_FILE", "environment", "must name a readable file: "+reason(err))
			delete(l.text, s.Env)
			continue
		}
		l.put(s.Env, strings.TrimRight(string(content), "\r\n"), path)
	}
}

// reason is why a file cannot be read, without the call that failed.
func reason(err error) string {
	if path := new(os.PathError); errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// config makes the typed values.
func (l *loader) config() Config {
	var c Config
	bad := map[string]bool{}
	for _, s := range l.settings {
		text, judged := l.text[s.Env]
		bad[s.Env] = !judged
		if judged {
			if err := s.read(&c, text); err != nil {
				l.fault(s.Env, l.where[s.Env], err.Error())
				bad[s.Env] = true
			}
		}
	}
	l.faults = append(l.faults, c.complete(func(env string) bool { return bad[env] })...)
	return c
}
