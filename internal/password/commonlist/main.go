// Commonlist makes the list of common passwords, common.txt.gz, from two packages of the npm registry and from
// own.txt. It is run by hand when the packages are renewed:
//
//	npm pack @zxcvbn-ts/language-common@4.1.3 @zxcvbn-ts/language-ja@3.0.2
//	(extract each into DIR/language-common and DIR/language-ja)
//	go run ./internal/password/commonlist DIR > internal/password/common.txt.gz
//
// The words that the Japanese package took from Wikipedia are left out: most of them nobody uses as a password,
// and a rule that refuses too much teaches people to add a 1.
package main

import (
	"bufio"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed own.txt
var own string

// sources are relative to the folder that holds the extracted packages.
var sources = []string{
	"language-common/src/passwords.json",
	"language-ja/src/commonWords.json",
	"language-ja/src/firstnames.json",
	"language-ja/src/lastnames.json",
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: commonlist DIR > common.txt.gz")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "commonlist:", err)
		os.Exit(1)
	}
}

func run(folder string, out io.Writer) error {
	words := ownWords(own)
	for _, source := range sources {
		text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(source)))
		if err != nil {
			return err
		}
		var more []string
		if err := json.Unmarshal(text, &more); err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
		words = append(words, more...)
	}
	return write(out, tidy(words))
}

// ownWords reads one word a line; lines that begin with # are remarks.
func ownWords(text string) []string {
	var words []string
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if word := strings.TrimSpace(lines.Text()); word != "" && !strings.HasPrefix(word, "#") {
			words = append(words, word)
		}
	}
	return words
}

// tidy sorts by bytes and drops what is too short to be looked up: Latin words of two letters.
func tidy(words []string) []string {
	for i, word := range words {
		words[i] = strings.ToLower(word)
	}
	slices.Sort(words)
	return slices.DeleteFunc(slices.Compact(words), func(word string) bool {
		return utf8.RuneCountInString(word) < 2 || len(word) < 3 || strings.ContainsAny(word, "\r\n")
	})
}

// write leaves the header's time and name empty, so that the same packages give the same bytes.
func write(out io.Writer, words []string) error {
	packer, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, word := range words {
		if _, err := io.WriteString(packer, word+"\n"); err != nil {
			return err
		}
	}
	return packer.Close()
}
