package password

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"strings"
)

// directorySchemes are the {SCHEME}base64 values of LDAP directories (RFC 2307 and its followers): the sum over
// password and salt, then the salt itself. All are fast; the unsalted ones are accepted because a directory
// that has them has nothing else, and the first sign-in replaces them.
var directorySchemes = map[string]struct {
	sum    func() hash.Hash
	salted bool
}{
	"MD5": {md5.New, false}, "SMD5": {md5.New, true},
	"SHA": {sha1.New, false}, "SSHA": {sha1.New, true},
	"SHA256": {sha256.New, false}, "SSHA256": {sha256.New, true},
	"SHA384": {sha512.New384, false}, "SSHA384": {sha512.New384, true},
	"SHA512": {sha512.New, false}, "SSHA512": {sha512.New, true},
}

// directoryWrappers are schemes around a value of another kind.
var directoryWrappers = map[string]string{
	"CRYPT":         "",
	"ARGON2":        "",
	"PBKDF2":        "$pbkdf2$",
	"PBKDF2-SHA1":   "$pbkdf2$",
	"PBKDF2-SHA256": "$pbkdf2-sha256$",
	"PBKDF2-SHA512": "$pbkdf2-sha512$",
}

func readLDAP(stored string) (reading, error) {
	scheme, value, found := strings.Cut(stored[1:], "}")
	if !found {
		return reading{}, unreadable("ldap", "shape")
	}
	scheme = strings.ToUpper(scheme) // RFC 2307: case does not matter
	if prefix, wraps := directoryWrappers[scheme]; wraps {
		return readWrapped(prefix + value)
	}
	format := "ldap-" + strings.ToLower(scheme)
	kind, known := directorySchemes[scheme]
	if !known {
		return reading{}, unreadable("ldap", "scheme not known")
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	size := kind.sum().Size()
	if err != nil || len(raw) < size {
		return reading{}, unreadable(format, "sum")
	}
	sum, salt := raw[:size], raw[size:]
	if kind.salted && len(salt) == 0 || !kind.salted && len(salt) > 0 || len(salt) > mostBytes {
		return reading{}, unreadable(format, "salt")
	}
	return reading{format: format, match: func(password string) bool {
		h := kind.sum()
		h.Write([]byte(password))
		h.Write(salt)
		return subtle.ConstantTimeCompare(h.Sum(nil), sum) == 1
	}}, nil
}

// readWrapped reads what a scheme stands before. Only $name$ values: {CRYPT} with a bare 13-character value is
// DES, which sees 8 characters and is not worth reading.
func readWrapped(value string) (reading, error) {
	if !strings.HasPrefix(value, "$") {
		return reading{}, unreadable("ldap", "crypt format not known")
	}
	r, err := readCrypt(value)
	r.foreign = true
	return r, err
}
