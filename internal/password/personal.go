package password

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// longestDatum bounds how much of a person's field is looked at.
	longestDatum = 256
	// shortestNumber is how many digits in a row of one's phone number are no chance.
	shortestNumber = 6
	longestNumber  = 20
)

// legalForms stand beside an organization's name without a space, and are nobody's own.
var legalForms = strings.NewReplacer("株式会社", " ", "有限会社", " ", "合同会社", " ", "合資会社", " ",
	"(株)", " ", "(有)", " ", "(同)", " ")

// personal says that the folded password is made of the person's own data: after those words are taken out,
// forwards and backwards, too little is left.
func personal(folded string, person Person) bool {
	long, short := person.pieces()
	for _, text := range append(spellings(folded), squeeze(folded)) {
		if rest := without(text, long); len(rest) < len(text) && weak(rest) {
			return true
		}
		// A name of three letters is in many a word by chance; it counts where no other letter is.
		if rest := without(text, short); len(rest) < len(text) && !strings.ContainsFunc(rest, wordly) && weak(rest) {
			return true
		}
	}
	return false
}

// without takes the pieces out. A zero byte, which no password holds, keeps what is left from growing together
// into another piece.
func without(text string, pieces []string) string {
	for _, piece := range pieces {
		text = strings.ReplaceAll(text, piece, "\x00")
	}
	return strings.ReplaceAll(text, "\x00", "")
}

// pieces are the words of the person's data, folded, both ways round and the longest first: long ones that are
// recognised anywhere, and short ones.
func (p Person) pieces() (long, short []string) {
	for _, piece := range p.words() {
		both := []string{piece, reverse(piece)}
		switch n := utf8.RuneCountInString(piece); {
		case n >= 4, n >= 2 && !ascii(piece):
			long = append(long, both...)
		case n == 3:
			short = append(short, both...)
		}
	}
	byLength := func(a, b string) int { return cmp.Compare(len(b), len(a)) }
	slices.SortStableFunc(long, byLength)
	slices.SortStableFunc(short, byLength)
	return long, short
}

func (p Person) words() []string {
	local, domain, _ := strings.Cut(datum(p.Email), "@")
	labels := strings.Split(domain, ".")
	words := append(parts(local), local, domain)
	for _, label := range labels[:len(labels)-1] { // the last one, jp or com, is everybody's
		words = append(words, parts(label)...)
	}
	for _, field := range []string{p.Name, p.Organization, p.Portal} {
		words = append(words, parts(legalForms.Replace(datum(field)))...)
	}
	return append(words, numbers(datum(p.Phone))...)
}

// parts are the words of a field, all of them in one, and in one the other way round: Suzuki Ichiro signs as
// suzukiichiro and as ichirosuzuki.
func parts(field string) []string {
	words := strings.FieldsFunc(field, func(r rune) bool { return !wordly(r) && !unicode.IsDigit(r) })
	turned := slices.Clone(words)
	slices.Reverse(turned)
	return append(words, strings.Join(words, ""), strings.Join(turned, ""))
}

// numbers are all stretches of the phone number: typed with the country's code or with the leading zero, most
// of it is the same.
func numbers(phone string) []string {
	digits := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, phone)
	digits = digits[:min(len(digits), longestNumber)]
	var all []string
	for length := shortestNumber; length <= len(digits); length++ {
		for start := 0; start+length <= len(digits); start++ {
			all = append(all, digits[start:start+length])
		}
	}
	return all
}

func datum(field string) string {
	return fold(strings.ToValidUTF8(field[:min(len(field), longestDatum)], ""))
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}
