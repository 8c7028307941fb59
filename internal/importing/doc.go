// Package importing is the room that brings an existing customer base over: CSV,
// LDIF and Excel files become one stream of rows, one pure rule (Judge) says of each
// what becomes of it, and batches of them are written, each in one transaction with
// its records and with the point from which a run that was broken off goes on.
//
// Routes: /operator/import. Tables: import_run, import_row (what became of the rows
// that were not added), import_chunk (an uploaded file, sealed, until its run ends).
//
// It never changes an account that is there, never gives grace to whoever brings no
// password, never assigns MailOTP, never follows what a file points to, and keeps no
// hash of another system in clear.
package importing
