package password

import (
	"strings"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/md5crypt"
	"github.com/go-crypt/crypt/algorithm/pbkdf2"
	"github.com/go-crypt/crypt/algorithm/scrypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

// What an imported value may ask for; see argon.go for why there are limits. Each is far above what its system
// writes by default.
const (
	leastBcrypt, mostBcrypt     = 4, 15
	leastSHARounds, plainRounds = 1000, 5000
	mostSHARounds               = 1_000_000
	mostPBKDF2                  = 10_000_000
	mostScryptMemory            = 256 << 20
	mostScryptWork              = 1 << 30 // memory × p: the p parts run one after another
)

// From where on a format counts as slow: by itself it takes about as long as one Argon2 of the Standard cost.
const (
	slowBcrypt     = 10
	slowSHARounds  = 100_000
	slowPBKDF2     = 150_000
	slowScryptWork = 16 << 20
)

const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// readCrypt reads the $name$… values of Unix password files and of libraries that took over their shape. The
// library decodes and evaluates; that nothing absurd reaches it is decided here, since it has no limits itself.
func readCrypt(stored string) (reading, error) {
	name, _, _ := strings.Cut(stored[1:], "$")
	switch name {
	case "argon2id":
		return readArgon(stored)
	case "2a", "2b", "2y":
		return readBcrypt(stored)
	case "5":
		return readSHACrypt(stored, "sha256-crypt", 43)
	case "6":
		return readSHACrypt(stored, "sha512-crypt", 86)
	case "1":
		return readMD5Crypt(stored)
	case "scrypt":
		return readScrypt(stored)
	case "pbkdf2", "pbkdf2-sha1":
		return readPBKDF2(stored, "pbkdf2-sha1", 20)
	case "pbkdf2-sha256":
		return readPBKDF2(stored, name, 32)
	case "pbkdf2-sha512":
		return readPBKDF2(stored, name, 64)
	}
	return reading{}, unreadable("crypt", "format not known")
}

// readBcrypt: $2b$12$ and 53 characters, the first 22 of them salt. $2x$ is left out: it marks hashes made by a
// faulty program. bcrypt sees only the first 72 bytes of a password, the rehash sees all that was typed.
func readBcrypt(stored string) (reading, error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 4 || len(parts[2]) != 2 || len(parts[3]) != 53 || !spelled(parts[3]) {
		return reading{}, unreadable("bcrypt", "shape")
	}
	cost, ok := readNumber(strings.TrimPrefix(parts[2], "0"))
	if !ok || cost < leastBcrypt || cost > mostBcrypt {
		return reading{}, unreadable("bcrypt", "cost beyond the limits")
	}
	digest, err := bcrypt.Decode(stored)
	return decoded("bcrypt", digest, err, 0, cost >= slowBcrypt)
}

// readSHACrypt: $6$salt$key or $6$rounds=5000$salt$key.
func readSHACrypt(stored, format string, keyLength int) (reading, error) {
	parts := strings.Split(stored, "$")
	rounds := uint64(plainRounds)
	if len(parts) == 5 {
		values, ok := readNamed(parts[2], "rounds")
		if !ok || values[0] < leastSHARounds || values[0] > mostSHARounds {
			return reading{}, unreadable(format, "rounds beyond the limits")
		}
		rounds = values[0]
	}
	if !within(len(parts), 4, 5) || !saltAndKey(parts, 16, keyLength) {
		return reading{}, unreadable(format, "shape")
	}
	digest, err := shacrypt.Decode(stored)
	return decoded(format, digest, err, 0, rounds >= slowSHARounds)
}

// readMD5Crypt: $1$salt$key.
func readMD5Crypt(stored string) (reading, error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 4 || !saltAndKey(parts, 8, 22) {
		return reading{}, unreadable("md5-crypt", "shape")
	}
	digest, err := md5crypt.Decode(stored)
	return decoded("md5-crypt", digest, err, 0, false)
}

// readScrypt: $scrypt$ln=16,r=8,p=1$salt$key.
func readScrypt(stored string) (reading, error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 5 {
		return reading{}, unreadable("scrypt", "shape")
	}
	values, ok := readNamed(parts[2], "ln", "r", "p")
	if !ok || values[0] > 24 {
		return reading{}, unreadable("scrypt", "parameters")
	}
	memory, err := scryptMemory(1<<values[0], values[1], values[2])
	if err != nil {
		return reading{}, err
	}
	digest, err := scrypt.Decode(stored)
	return decoded("scrypt", digest, err, memory, memory*values[2] >= slowScryptWork)
}

// scryptMemory is what scrypt takes (RFC 7914): 128·N·r bytes. Each factor is held small first, so that no
// product overflows.
func scryptMemory(n, r, p uint64) (uint64, error) {
	if n < 2 || n > 1<<24 || r < 1 || r > 64 || p < 1 || p > 64 {
		return 0, unreadable("scrypt", "parameters beyond the limits")
	}
	memory := 128 * n * r
	if memory > mostScryptMemory || memory*p > mostScryptWork {
		return 0, unreadable("scrypt", "parameters beyond the limits")
	}
	return memory, nil
}

// readPBKDF2: $pbkdf2-sha256$iterations$salt$key, in the base64 that has a dot for the plus.
func readPBKDF2(stored, format string, sumLength int) (reading, error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 5 {
		return reading{}, unreadable(format, "shape")
	}
	iterations, ok := readNumber(parts[2])
	if !ok || iterations > mostPBKDF2 {
		return reading{}, unreadable(format, "iterations beyond the limits")
	}
	digest, err := pbkdf2.Decode(stored)
	// A key longer than the hash costs the owner the iterations once more for each part, and a guesser nothing.
	if err != nil || len(digest.Key()) > sumLength {
		return reading{}, unreadable(format, "salt or key")
	}
	return decoded(format, digest, err, 0, iterations >= slowPBKDF2)
}

// decoded ends every reader above: what the library made of the value must have a key no guess meets by chance.
func decoded(format string, digest algorithm.Digest, err error, memory uint64, lasting bool) (reading, error) {
	if err != nil || len(digest.Salt()) == 0 || !within(len(digest.Key()), leastKey, 2*mostBytes) {
		return reading{}, unreadable(format, "salt or key")
	}
	return reading{format: format, memory: memory, match: digest.Match, lasting: lasting}, nil
}

// saltAndKey checks the last two parts of a crypt value.
func saltAndKey(parts []string, mostSalt, keyLength int) bool {
	salt, key := parts[len(parts)-2], parts[len(parts)-1]
	return within(len(salt), 1, mostSalt) && spelled(salt) && len(key) == keyLength && spelled(key)
}

// spelled says that the text has only the letters of crypt's base64.
func spelled(text string) bool { return strings.Trim(text, cryptAlphabet) == "" }
