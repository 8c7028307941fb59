// Package profile shows a person what the portal knows of him and where he is
// signed in.
//
// Routes: /profile, /sessions. Tables: none of its own. It changes nothing but
// that it ends sessions, and only the visitor's own: the rooms of the password and
// of the set-up have the pages behind its links.
package profile
