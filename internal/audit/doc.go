// Package audit is the append-only record: who did what to whom, when, from where.
//
// Table: audit. Each organization has a chain and the operators have one. A row's
// digest is keyed (secret.ForAudit) and covers every column and the row before,
// so whoever writes the database without the key file can neither alter a row nor
// make one, nor take one out of the middle. The end of a chain protects nothing
// yet: once a day LinkHeads writes where every chain stands into the operators'
// chain, so that what is cut off behind a link is found as well. The operators'
// own end can be cut back to nobody's notice but that of whoever kept
// Report.Head or an export outside.
//
// It never stores a password, code, secret or token, never changes a row, and
// removes rows only in Trim, from a chain's beginning, with a link that says so.
package audit
