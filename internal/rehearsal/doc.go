// Package rehearsal is the room of rehearsals: a rollout that is played to its end,
// on a copy of the data and against a clock of its own that is moved from instant
// to instant.
//
// The copy is a private temporary SQLite database, whatever the portal's own engine.
// It holds no password, no secret, no session, pass or code and no letter: what is
// copied, blanked and left out is one list, Shares and LeftOut. It is removed when
// the rehearsal ends, and after a crash at the next start.
//
// At each instant the job of the reminders runs on the copy, whose outbox keeps
// nothing; and the one rule is asked about everybody who types the right password.
// At the end the dry run is held against the rule. Nobody is written to, and nothing
// of the source changes.
//
// A row in rehearsal asks for one. Each node plays one at a time; a node that dies
// loses its lease, and another begins that rehearsal anew.
//
// Routes: /operator/rollouts/{id}/rehearsal. Tables: rehearsal.
package rehearsal
