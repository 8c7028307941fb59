package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// setting is one field of Config and what its tags say.
type setting struct {
	Env     string
	Default string
	Doc     string
	Empty   string // what an empty value means; "" where it is not allowed
	Secret  bool
	field   int
}

// settings are the fields of Config in their order.
func settings() []setting {
	kind := reflect.TypeFor[Config]()
	list := make([]setting, kind.NumField())
	for i := range list {
		tag := kind.Field(i).Tag
		list[i] = setting{
			Env: tag.Get("env"), Default: tag.Get("default"), Doc: tag.Get("doc"),
			Empty: tag.Get("empty"), Secret: tag.Get("secret") == "true", field: i,
		}
	}
	return list
}

// Key is what the setting is called in the file.
func (s setting) Key() string { return strings.ToLower(strings.TrimPrefix(s.Env, "NIDAN_")) }

// read sets the field to what the text says. The error says what is right.
func (s setting) read(c *Config, text string) error {
	if text = strings.TrimSpace(text); text == "" {
		if s.Empty == "" {
			return errors.New("must not be empty")
		}
		return nil
	}
	if err := set(reflect.ValueOf(c).Elem().Field(s.field).Addr().Interface(), text); err != nil {
		return err
	}
	if check := checks[s.Env]; check != nil {
		return check(c)
	}
	return nil
}

// String is one setting a line, with secrets hidden, for logs and `nidan check`.
func (c Config) String() string {
	var b strings.Builder
	for _, s := range settings() {
		value := reflect.ValueOf(c).Field(s.field)
		text := "(hidden)"
		switch {
		case value.IsZero():
			text = ""
		case !s.Secret:
			text = fmt.Sprint(value.Interface())
		}
		fmt.Fprintf(&b, "%s=%s\n", s.Env, text)
	}
	return b.String()
}

// GoString hides the secrets from %#v as well.
func (c Config) GoString() string { return c.String() }

// Sample is a configuration file with every setting, commented out at its default.
func Sample() string {
	var b strings.Builder
	b.WriteString("# Settings of Nidan. Each may also be set in the environment, which wins over this file.\n")
	for _, s := range settings() {
		fmt.Fprintf(&b, "\n# %s\n", s.Doc)
		if s.Empty != "" {
			fmt.Fprintf(&b, "# Empty: %s.\n", s.Empty)
		}
		fmt.Fprintf(&b, "# In the environment: %s%s.\n", s.Env, s.orFile())
		fmt.Fprintf(&b, "#%s\n", strings.TrimRight(s.Key()+": "+s.Default, " "))
	}
	return b.String()
}

// orFile names the other variable of a secret.
func (s setting) orFile() string {
	if !s.Secret {
		return ""
	}
	return ", or " + s.Env + "_FILE with the path of a file that holds it"
}

// Manual is docs/settings.md.
func Manual() string {
	var b strings.Builder
	b.WriteString(manualHead)
	for _, s := range settings() {
		fallback := ""
		if s.Default != "" {
			fallback = "`" + s.Default + "`"
		}
		doc := s.Doc
		if s.Empty != "" {
			doc += " Empty: " + s.Empty + "."
		}
		if s.Secret {
			doc += " Also from the file that `" + s.Env + "_FILE` names."
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Env, s.Key(), fallback, markdown.Replace(doc))
	}
	return b.String()
}

// markdown keeps a sentence as it is inside a table.
var markdown = strings.NewReplacer("|", `\|`, "<", `\<`)

const manualHead = `# Settings

This page is made from the program's own list; ` + "`go test ./internal/config -update`" + ` writes it anew.

A setting comes from, later ones winning: its default, the YAML file given with ` + "`--config`" + `, the environment,
and for secrets a file that an environment variable names. A name in the file that is no setting is an error.
All faults are reported at once, each with the setting's name, where it was set and what is right; ` + "`nidan check`" + `
tells them without starting anything.

| environment | in the file | default | what it is |
| --- | --- | --- | --- |
`
