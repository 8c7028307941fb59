package account

// Admin is a Portal Admin as the records show him.
type Admin struct {
	Account
	Proved  bool // the method that is asked of him was proved with a right code
	Stopped bool // second verification, after too many wrong codes
	Void    bool
	Grace   bool // signs in by 1 step at this moment
}

// Able says whether this Portal Admin can act for his organization: active,
// enrolled, neither stopped nor void (product.md 4.4). One step does not count, nor
// does a MailOTP that was assigned and whose mailbox has never answered.
func (a Admin) Able() bool {
	return a.Authority == PortalAdmin && a.Suspended.IsZero() && a.Proved && !a.Stopped && !a.Void
}

// graced says whether he at least signs in by one step.
func (a Admin) graced() bool { return a.Authority == PortalAdmin && a.Suspended.IsZero() && a.Grace }

// Able are those of them who are.
func Able(admins []Admin) []Admin { return those(admins, Admin.Able) }

func those(admins []Admin, are func(Admin) bool) (list []Admin) {
	for _, a := range admins {
		if are(a) {
			list = append(list, a)
		}
	}
	return list
}

// LastAble says whether the Portal Admin of an id is the last able one of his
// organization, so that nobody may delete, suspend or demote him, or leave him with
// a method he has not proved. While none is able, those in grace count.
func LastAble(admins []Admin, id string) bool {
	left := Able(admins)
	if len(left) == 0 {
		left = those(admins, Admin.graced)
	}
	return len(left) == 1 && left[0].ID == id
}
