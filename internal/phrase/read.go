package phrase

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// phrases tells of each phrase of a file: an object whose values are texts, or objects of a text for one and a text for
// the rest. What is told are parts of the file's text: encoding/json would copy each, and its garbage among what stays
// cost a portal just started more memory than the phrases have.
func phrases(file []byte, tell func(key, one, other string) error) error {
	if !json.Valid(file) {
		return json.Unmarshal(file, new(any)) // says where
	}
	r := reader(file)
	return r.object(func(key string) error {
		if r.next() != '{' {
			other, err := r.text()
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			return tell(key, "", other)
		}
		var one, other string
		err := r.object(func(form string) (err error) {
			switch form {
			case "one":
				one, err = r.text()
			case "other":
				other, err = r.text()
			default:
				err = fmt.Errorf("there is no form %q", form)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return tell(key, one, other)
	})
}

// reader is what is left of valid JSON.
type reader string

// next is the first character of the next token.
func (r *reader) next() byte {
	*r = reader(strings.TrimLeft(string(*r), " \t\r\n"))
	return (*r)[0]
}

// skip leaves the next token of one character.
func (r *reader) skip() byte {
	c := r.next()
	*r = (*r)[1:]
	return c
}

// object reads an object. member reads what stands under a key.
func (r *reader) object(member func(key string) error) error {
	if r.next() != '{' {
		return errors.New("it is no object")
	}
	r.skip()
	if r.next() == '}' {
		r.skip()
		return nil
	}
	for {
		key, err := r.text()
		if err != nil {
			return err
		}
		r.skip() // the colon
		if err := member(key); err != nil {
			return err
		}
		if r.skip() == '}' {
			return nil
		}
	}
}

// text reads a string.
func (r *reader) text() (text string, err error) {
	if r.next() != '"' {
		return "", errors.New("it is no text")
	}
	end, escaped := 1, false
	for (*r)[end] != '"' {
		if (*r)[end] == '\\' {
			end, escaped = end+1, true
		}
		end++
	}
	quoted := string((*r)[:end+1])
	*r = (*r)[end+1:]
	if !escaped {
		return quoted[1:end], nil
	}
	err = json.Unmarshal([]byte(quoted), &text)
	return text, err
}
