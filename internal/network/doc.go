// Package network is from where an organization's accounts may sign in: its permitted
// networks, and the check that is on or off for each account (product.md 4.9).
//
// Routes: /networks of Portal Admins, /operator/networks of operators, who open the
// way where no Portal Admin gets in. It has no tables of its own: account keeps the
// networks and the check, and the gate applies them at each request.
//
// Whoever would shut himself out, or every Portal Admin whose network is checked, is
// told so with the address, and only a second deliberate press saves it.
package network
