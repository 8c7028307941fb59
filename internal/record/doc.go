// Package record is what was done, for those who may look at it: the audit chains for
// operators, with search, export and refused sign-ins over time, and the sign-in
// history of the own organization for its Portal Admins.
//
// Routes: /operator/audit…, /history, /history.csv. Tables: record_hour and
// record_counted, which hold what can be counted anew from the record at any time.
// The record itself is audit's: nothing here writes it but the row that says that
// somebody has taken a copy.
package record
