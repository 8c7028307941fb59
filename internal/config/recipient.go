package config

import (
	"errors"
	"strings"

	"filippo.io/age"
)

// Recipients are the public parts of age keys.
type Recipients []string

// String is the setting's text.
func (r Recipients) String() string { return strings.Join(r, ", ") }

func parseRecipients(text string) (Recipients, error) {
	list := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
	for _, one := range list {
		if _, err := age.ParseRecipients(strings.NewReader(one)); err != nil {
			return nil, errors.New("must be the public parts of age keys separated by commas, each of which begins with age1; age-keygen makes them")
		}
	}
	return list, nil
}
