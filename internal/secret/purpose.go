package secret

// Purpose separates the uses of a key: a value sealed or digested for one purpose
// says nothing to another.
type Purpose string

// The purposes in use.
const (
	ForTOTP    Purpose = "totp secret"
	ForMail    Purpose = "mail body"
	ForCode    Purpose = "mail code"
	ForAddress Purpose = "mail address"
	ForAudit   Purpose = "audit chain"
	ForReset   Purpose = "password kept aside"
	ForKey     Purpose = "key check"
	ForPass    Purpose = "pass code"
	ForBounce  Purpose = "bounce address"
	ForOld     Purpose = "password of another system"
	ForImport  Purpose = "import file"
	ForReply   Purpose = "ticket reply address"
	ForBackup  Purpose = "backup"
	ForForm    Purpose = "ticket form"
	ForDigests Purpose = "keys of lasting digests"
)

// lasting are the purposes whose digests no rotation of keys changes: they cannot be
// made anew, or are asked for by what comes back after any time. All others are of
// the key that seals, and known again under each key of the file.
var lasting = []Purpose{ForAddress, ForAudit, ForKey, ForForm}

// macName is what the key of a purpose's digests is derived by.
func (p Purpose) macName() string {
	if p == ForForm { // was part of it, and mails are known again by it
		p = ForReply
	}
	return "mac " + string(p)
}
