// Package notice is words of operators to an audience, in each language: from and
// until an instant, on the dashboard, at the sign-in if so marked, by mail if so
// asked.
//
// Routes: /notices and /notices/{id} for whoever is signed in, /operator/notices.
// Tables: notice, notice_read.
//
// Whether a notice shows follows from its instants and is stored nowhere. Every
// node keeps what may show, and reads it anew when the version of what was planned
// has changed, so that a dashboard asks the database for nothing more. Notices of
// windows and rollouts are not stored: they are said from the plans themselves.
package notice
