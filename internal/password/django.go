package password

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// readDjango reads the algorithm$… values of Django's hashers, whose fields differ from hasher to hasher. Salts
// are text and used as such.
func readDjango(stored string) (reading, error) {
	name, value, _ := strings.Cut(stored, "$")
	switch name {
	case "pbkdf2_sha256":
		return readDjangoPBKDF2(value, "django-pbkdf2-sha256", sha256.New)
	case "pbkdf2_sha1":
		return readDjangoPBKDF2(value, "django-pbkdf2-sha1", sha1.New)
	case "argon2":
		r, err := readArgon("$" + value)
		r.format, r.foreign = "django-argon2id", true
		return r, err
	case "bcrypt":
		r, err := readBcrypt(value)
		r.format = "django-bcrypt"
		return r, err
	case "bcrypt_sha256":
		return readDjangoBcryptSHA256(value)
	case "scrypt":
		return readDjangoScrypt(value)
	case "md5":
		return readDjangoSum(value, "django-md5", md5.New)
	case "sha1":
		return readDjangoSum(value, "django-sha1", sha1.New)
	}
	if strings.HasPrefix(stored, "!") { // the account was made without a password, or was locked
		return reading{}, unreadable("django", "marked as having no password")
	}
	return reading{}, unreadable("any", "format not known")
}

// readDjangoPBKDF2: iterations$salt$key.
func readDjangoPBKDF2[H hash.Hash](value, format string, sum func() H) (reading, error) {
	parts := strings.Split(value, "$")
	if len(parts) != 3 || !within(len(parts[1]), 1, 2*mostBytes) {
		return reading{}, unreadable(format, "shape")
	}
	iterations, ok := readNumber(parts[0])
	if !ok || iterations > mostPBKDF2 {
		return reading{}, unreadable(format, "iterations beyond the limits")
	}
	key, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(key) != sum().Size() {
		return reading{}, unreadable(format, "key")
	}
	salt := []byte(parts[1])
	return reading{format: format, lasting: iterations >= slowPBKDF2, match: func(password string) bool {
		got, err := pbkdf2.Key(sum, password, salt, int(iterations), len(key))
		return err == nil && subtle.ConstantTimeCompare(got, key) == 1
	}}, nil
}

// readDjangoBcryptSHA256: a bcrypt value over the hexadecimal SHA-256 of the password, so that nothing is cut
// off after 72 bytes.
func readDjangoBcryptSHA256(value string) (reading, error) {
	r, err := readBcrypt(value)
	if err != nil {
		return reading{}, err
	}
	inner := r.match
	r.format = "django-bcrypt-sha256"
	r.match = func(password string) bool {
		sum := sha256.Sum256([]byte(password))
		return inner(hex.EncodeToString(sum[:]))
	}
	return r, nil
}

// readDjangoScrypt: N$salt$r$p$key.
func readDjangoScrypt(value string) (reading, error) {
	const format = "django-scrypt"
	parts := strings.Split(value, "$")
	if len(parts) != 5 || !within(len(parts[1]), 1, 2*mostBytes) {
		return reading{}, unreadable(format, "shape")
	}
	var factors [3]uint64
	for i, text := range []string{parts[0], parts[2], parts[3]} {
		var ok bool
		if factors[i], ok = readNumber(text); !ok {
			return reading{}, unreadable(format, "parameters")
		}
	}
	n, r, p := factors[0], factors[1], factors[2]
	memory, err := scryptMemory(n, r, p)
	if err != nil || n&(n-1) != 0 {
		return reading{}, unreadable(format, "parameters beyond the limits")
	}
	key, err := base64.StdEncoding.Strict().DecodeString(parts[4])
	if err != nil || !within(len(key), leastKey, mostBytes) {
		return reading{}, unreadable(format, "key")
	}
	salt := []byte(parts[1])
	match := func(password string) bool {
		got, err := scrypt.Key([]byte(password), salt, int(n), int(r), int(p), len(key))
		return err == nil && subtle.ConstantTimeCompare(got, key) == 1
	}
	return reading{format: format, memory: memory, match: match, lasting: memory*p >= slowScryptWork}, nil
}

// readDjangoSum: salt$sum, the sum in hexadecimal over salt and password. An empty salt is Django's own way to
// write its unsalted hashers.
func readDjangoSum(value, format string, newSum func() hash.Hash) (reading, error) {
	salt, text, found := strings.Cut(value, "$")
	sum, err := hex.DecodeString(text)
	if !found || err != nil || len(sum) != newSum().Size() || len(salt) > 2*mostBytes {
		return reading{}, unreadable(format, "shape")
	}
	return reading{format: format, match: func(password string) bool {
		h := newSum()
		h.Write([]byte(salt + password))
		return subtle.ConstantTimeCompare(h.Sum(nil), sum) == 1
	}}, nil
}
