// Package contact is the room of how people reach the help desk who cannot sign
// in: its address, its hours, a form that makes a ticket, and what else to read.
//
// Routes: /contact, for everybody; its GET also in a window. It has no tables: the
// ticket is written by the room of tickets, the hours are those of the room of hours.
//
// The form answers alike whoever is typed. What comes from it is of no organization,
// and nobody sees it but the desk.
package contact
