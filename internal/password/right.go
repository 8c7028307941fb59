package password

import (
	"encoding/hex"
	"time"

	"nidan/internal/limit"
	"nidan/internal/secret"
)

// perRight is how fast right passwords may follow each other. Each costs a hash, a
// session and a record, and whoever has a stolen one could have them without end.
var perRight = limit.Rate{Burst: 30, Every: 10 * time.Second}

// Right names the counter of right passwords, typed or newly set, of one address
// from one network: a stranger who has the password fills his own, not the owner's.
func Right(keys *secret.Keys, emailKey, network string) limit.Key {
	who := hex.EncodeToString(keys.Digest(secret.ForAddress, emailKey)[:16])
	return limit.Key{Name: "password:right:" + who + ":" + network, Rate: perRight}
}
