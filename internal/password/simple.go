package password

import (
	"strings"
	"time"
	"unicode/utf8"
)

// tracks are the ways a finger or a child's song runs: neighbours on one of them, in either direction, say
// nothing new.
var tracks = []string{
	"01234567890", "abcdefghijklmnopqrstuvwxyz",
	"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "qsdfghjklm", "wxcvbn",
	"1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik", "9ol",
	"!@#$%^&*()", `!"#$%&'()`, // the digits with shift held, by the American and the Japanese keyboard
	"あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん",
	"いろはにほへとちりぬるをわかよたれそつねならむうゐのおくやまけふこえてあさきゆめみしゑひもせす",
	"一二三四五六七八九十",
}

// steps holds each pair of neighbours on a track, both ways.
var steps = func() map[[2]rune]bool {
	pairs := map[[2]rune]bool{}
	for _, track := range tracks {
		runes := []rune(track)
		for i := 1; i < len(runes); i++ {
			pairs[[2]rune{runes[i-1], runes[i]}] = true
			pairs[[2]rune{runes[i], runes[i-1]}] = true
		}
	}
	return pairs
}()

// simple says that the folded text has hardly anything in it: one short piece over and over, runs along the
// tracks, very few different characters, or nothing but a date. A piece is short below the least length: to
// say a password twice makes it no longer.
func simple(folded string, least int) bool {
	runes := []rune(folded)
	n := len(runes)
	if n == 0 {
		return true
	}
	return period(runes) < min(n, least) || fresh(runes) < max(4, n/4) || different(runes) < 4 ||
		date(squeeze(folded))
}

// period is the length of the piece that the text repeats, the last time perhaps cut short; the whole length
// where it repeats nothing at least once in full.
func period(runes []rune) int {
	for p := 1; 2*p <= len(runes); p++ {
		if string(runes[p:]) == string(runes[:len(runes)-p]) {
			return p
		}
	}
	return len(runes)
}

// fresh counts the characters that neither repeat the one before nor lie next to it on a track.
func fresh(runes []rune) int {
	count := 1
	for i := 1; i < len(runes); i++ {
		if runes[i] != runes[i-1] && !steps[[2]rune{runes[i-1], runes[i]}] {
			count++
		}
	}
	return count
}

func different(runes []rune) int {
	seen := map[rune]bool{}
	for _, r := range runes {
		seen[r] = true
	}
	return len(seen)
}

// date knows eight digits that are a day of 1900 to 2099, in any of the three orders: fewer than 220,000.
func date(text string) bool {
	if len(text) != 8 || strings.Trim(text, "0123456789") != "" {
		return false
	}
	for _, layout := range []string{"20060102", "02012006", "01022006"} {
		day, err := time.Parse(layout, text)
		if err == nil && 1900 <= day.Year() && day.Year() < 2100 {
			return true
		}
	}
	return false
}

// spare is how many characters beside a known word are needed for them to count.
const spare = 7

// weak says that what is left beside a known word adds too little: a year, a sign, 1234567, another such word.
func weak(rest string) bool {
	return utf8.RuneCountInString(rest) < spare || simple(rest, Shortest) || listed(rest)
}
