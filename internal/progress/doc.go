// Package progress is the room of how far everybody has come in the changeover:
// told, signed in since, started, enrolled. Its figures are kept by what happens,
// in the transaction in which it happens, and are never found by scanning.
//
// Tables: progress_person (each person's instants), progress (an organization's
// sums), progress_hour (what happened in which hour). Whoever is suspended or
// deleted is in no sum. Recount proves the sums equal to the people.
package progress
