// Package totp is the second verification by an authenticator app (RFC 6238).
//
// Tables: totp; a row is a method that was proved. It never decides whether a code
// may be tried or was used before: package verification does, for both methods.
package totp
