// Package cli is the commands of the program: serve and demo, and what is done to
// a portal from its console.
//
// A command ends with 0, with 1 when it was refused or failed (one line on
// stderr), with 2 when it was called wrongly. Deeds done from the console are
// proved by the key file, and recorded as `console` with the system user's name.
package cli
