// Package setup is how somebody sets up the second verification, and a new phone.
//
// Routes: /start/{token}, a starting guide, as far as the password; /setup,
// /setup/method, /setup/mailbox, /setup/password, /setup/totp and /setup/done;
// /profile/totp for a new phone. Which page comes next is Next's to say, from what
// is stored; a page records what it was given and asks Next.
//
// Table: setup, one row a session. Nothing in it counts before the end: password,
// method, secret, grace, passes, sessions, record and mail change in one
// transaction, which asks the gate once more, or they do not change at all.
//
// It never decides who may set up (the gate does) nor whether a code is right
// (package verification does), and it never changes anybody else's method.
package setup
