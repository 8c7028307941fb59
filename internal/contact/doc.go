// Package contact is the room of how people reach the help desk who cannot sign
// in: its address, its hours, and what else there is to read.
//
// Routes: /contact, for everybody, also in a window. It has no tables. It knows no
// holidays: it speaks of working days.
package contact
