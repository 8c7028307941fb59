package password

import "nidan/internal/page"

// Typed reads a new password, typed twice, from the fields password and
// password_again, and judges it by the rule. What is wrong stands beside the field.
func Typed(form *page.Form, least int, person Person) string {
	typed := form.Secret("password", "password.missing")
	if typed == "" {
		return ""
	}
	if fault := Check(typed, least, person); fault != None {
		form.Fault("password", string(fault), "n", limitOf(fault, least))
		return ""
	}
	if form.Secret("password_again", "password.again_missing") != typed && form.OK() {
		form.Fault("password_again", "password.again_differs")
	}
	return typed
}

// limitOf is the number a fault's phrase names.
func limitOf(f Fault, least int) int {
	if f == TooLong {
		return longest
	}
	return least
}
