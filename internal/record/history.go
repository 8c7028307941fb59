package record

// The acts of the record that are sign-ins.
const (
	actPassword      = "account:password:accepted"
	actPasswordWrong = "account:password:refused"
	actCode          = "account:code:accepted"
	actCodeWrong     = "account:code:refused"
	actPass          = "account:pass:redeemed"
	actPassWrong     = "account:pass:refused"
	actReset         = "account:reset:denied"
	actGuide         = "account:guide:denied"
)

// Outcome is what became of one step of a sign-in. The zero Outcome is none.
type Outcome string

// The outcomes.
const (
	InByTOTP      Outcome = "totp"
	InByMailOTP   Outcome = "mailotp"
	InByOneStep   Outcome = "one_step"
	HalfWay       Outcome = "half" // the password was right, and more is asked
	TurnedAway    Outcome = "turned"
	WrongPassword Outcome = "wrong_password"
	WrongCode     Outcome = "wrong_code"
	PassUsed      Outcome = "pass"
	PassRefused   Outcome = "wrong_pass"
)

// outcome reads a row of the record as a step of a sign-in.
func outcome(act string, detail map[string]string) Outcome {
	switch act {
	case actPasswordWrong:
		return WrongPassword
	case actCodeWrong:
		return WrongCode
	case actPass:
		return PassUsed
	case actPassWrong:
		return PassRefused
	case actCode:
		if detail["method"] == "mailotp" {
			return InByMailOTP
		}
		return InByTOTP
	case actPassword:
		switch detail["next"] {
		case "admitted":
			return InByOneStep
		case "code", "set-up":
			return HalfWay
		}
		return TurnedAway
	}
	return ""
}

// In says whether somebody got in by it.
func (o Outcome) In() bool { return o == InByTOTP || o == InByMailOTP || o == InByOneStep }

// Refused says whether somebody was kept out.
func (o Outcome) Refused() bool {
	return o == TurnedAway || o == WrongPassword || o == WrongCode || o == PassRefused
}
