// Package progress is the room of how far everybody has come in the changeover:
// told, signed in since, started, enrolled. Its figures are kept by what happens,
// and are never found by scanning: a deed notes itself in its own transaction, and
// what was noted is added up within seconds.
//
// Tables: progress_event (what was noted), progress_person (each person's
// instants), progress (an organization's sums), progress_hour (what happened in
// which hour). Whoever is suspended or
// deleted is in no sum. Recount proves the sums equal to the people.
package progress
