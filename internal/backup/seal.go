package backup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"

	"nidan/internal/secret"
)

// stanza is the kind of an age stanza whose file key is sealed with the portal's own
// key file.
const stanza = "nidan-key"

// ownKey encrypts to the portal's key file and decrypts with it.
type ownKey struct{ keys *secret.Keys }

// row binds a sealed file key to the stanza it stands in.
func (k ownKey) row(id string) string { return "backup/file/" + id }

// Wrap is age's: the file key for one stanza.
func (k ownKey) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	id := rand.Text()
	return []*age.Stanza{{Type: stanza, Args: []string{id}, Body: k.keys.Seal(secret.ForBackup, k.row(id), fileKey)}}, nil
}

// Unwrap is age's: the file key of one of the stanzas.
func (k ownKey) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type != stanza || len(s.Args) != 1 {
			continue
		}
		if fileKey, err := k.keys.Open(secret.ForBackup, k.row(s.Args[0]), s.Body); err == nil {
			return fileKey, nil
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// recipients are age's, of public keys (age1…); the portal's own key file when none
// is given.
func recipients(keys *secret.Keys, public []string) ([]age.Recipient, error) {
	if len(public) == 0 {
		return []age.Recipient{ownKey{keys}}, nil
	}
	list, err := age.ParseRecipients(strings.NewReader(strings.Join(public, "\n")))
	if err != nil {
		return nil, errors.New("a recipient is the public part of an age key, such as age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")
	}
	return list, nil
}

// Identities reads the file of an age key that backups were encrypted to.
func Identities(path string) ([]age.Identity, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	list, err := age.ParseIdentities(file)
	if err != nil {
		return nil, fmt.Errorf("%s holds no age key, a line that begins with AGE-SECRET-KEY-", path)
	}
	return list, nil
}

// opened decrypts a backup. Its key may be the portal's own or one of the others.
func opened(r io.Reader, keys *secret.Keys, others []age.Identity) (io.Reader, error) {
	plain, err := age.Decrypt(r, append([]age.Identity{ownKey{keys}}, others...)...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none) && len(others) == 0:
		return nil, fmt.Errorf("%w: put the key file in place that the portal had, or name the age key that it was encrypted to with --identity", ErrKey)
	case errors.As(err, &none):
		return nil, fmt.Errorf("%w: it was encrypted to another one", ErrKey)
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", ErrNotBackup, err)
	}
	return plain, nil
}
