// Package session is what one browser has proved: first the password, then a code.
// Its id is also the pending sign-in's.
//
// Tables: session. Only digests of the cookie's value are stored. Whether
// a session may do anything is never its own to say: the one rule is asked.
package session
