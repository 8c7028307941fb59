// Package reminder is the room of the letters of a rollout: the announcement an
// operator sends, one at the opening, one on each of the plan's days before the
// own end, one when that end has moved, and those a Portal Admin asks for.
//
// Which dates there are follows from what was planned, and is computed; see
// Calendar. A round writes to everybody of one date, some hundred people in one
// transaction: a row in reminder for each, whose key lets nobody be written to
// twice, the letter in the outbox, and how far the round has come. So any number
// of nodes may work on it, and any may be killed. Who has proved a method, is
// suspended, or has no grace by that rollout gets none; a letter still waiting when
// somebody enrolls, or when the end it names is the own end no more, is dropped.
//
// Nothing starts while a window closes the portal: a letter asks people to sign in,
// and they could not. It starts when the window closes.
//
// No letter holds a link, and none names the page of the sign-in: they name the
// portal's address to be typed by hand.
//
// Routes: /operator/rollouts/{id}/reminders and its announcement, /progress/remind.
// Tables: reminder, reminder_round.
package reminder
