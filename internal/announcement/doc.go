// Package announcement is the room of what everybody is told about the change
// from 1-step to 2-step verification: one set of facts, taken from the rollout,
// its versions and the maintenance windows, and three writings of them: the page,
// the letter and the calendar file. A date that moves, moves in all of them.
//
// Routes: /announcement, /announcement.ics; both without signing in, also in a
// window. It has no tables, and nothing in it is written by hand for one rollout
// but the operator's own message.
package announcement
