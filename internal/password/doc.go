// Package password is the first verification: how passwords are hashed, judged,
// changed by their owner and reset by a mailed link.
//
// Routes: /password/forgot, /password/reset/{token}, /profile/password; a password
// that waits is answered at /accounts/resets and /accounts/{id}/reset by Portal
// Admins, at /operator/resets and /operator/resets/{organization}/{id} by operators.
// Tables: password, password_reset.
//
// A reset proves that a mailbox answers, so it never signs anybody in and never
// touches the second verification. Where that one is mailed to the same box, the
// new password is kept aside for a day, in which it can be refused; a Portal Admin's
// until somebody else has approved it.
//
// It never compares passwords outside its pool, never stores or logs one, and
// never says whether an account exists.
package password
