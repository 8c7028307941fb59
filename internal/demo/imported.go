package demo

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the old portal's directory kept them so; the first sign-in replaces them
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/go-crypt/crypt/algorithm/shacrypt"
	"golang.org/x/crypto/bcrypt"

	"nidan/internal/secret"
)

// hashKind is how the old portal kept a password.
type hashKind int

// The kinds. The zero one is the portal's own.
const (
	own      hashKind = iota
	inBcrypt          // $2a$…
	inDjango          // pbkdf2_sha256$…
	inLDAP            // {SSHA}…
	inCrypt           // $6$…
)

// Costs as the systems of that time had them.
const (
	bcryptCost   = 10
	djangoRounds = 36_000
)

// old is a password as the old portal kept it.
func (k hashKind) old(password string) (string, error) {
	switch k {
	case inBcrypt:
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcryptCost)
		return string(hash), err
	case inDjango:
		salt := secret.Base32(12)
		key, err := pbkdf2.Key(sha256.New, password, []byte(salt), djangoRounds, sha256.Size)
		return fmt.Sprintf("pbkdf2_sha256$%d$%s$%s", djangoRounds, salt, base64.StdEncoding.EncodeToString(key)), err
	case inLDAP:
		salt := secret.Bytes(8)
		sum := sha1.Sum(append([]byte(password), salt...)) //nolint:gosec // as above
		return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...)), nil
	case inCrypt:
		hasher, err := shacrypt.NewSHA512()
		if err != nil {
			return "", err
		}
		digest, err := hasher.Hash(password)
		if err != nil {
			return "", err
		}
		return digest.Encode(), nil
	}
	return "", fmt.Errorf("no old kind of hash: %d", k)
}
