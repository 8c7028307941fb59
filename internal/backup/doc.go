// Package backup carries a whole portal: into one encrypted file and back, or into
// another database.
//
// A backup is taken beside a serving portal, from one state of its database. What a
// restore puts back opens with sessions, codes and links void, since it cannot know
// what became of them after the copy; a move loses no time, and keeps them.
//
// Routes: none; the commands stand in cli. Tables: all of them are carried, none is
// this room's own; what a restore makes void, each room does to its own tables.
//
// It never holds more than some rows, never writes the key file into a backup, and
// never leaves a database that looks whole and is not: it is held (store.Hold) until
// the last row was compared.
package backup
