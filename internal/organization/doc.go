// Package organization is the room of customer companies.
//
// Tables: organization. It never decides who may sign in: it says whether an
// organization stands, and the one rule asks.
package organization
