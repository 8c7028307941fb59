// Package pass is one-time permission to set up the second verification: a
// starting guide, a pass for a latecomer, an operator's one-time link. It stands
// beside the password and never replaces it.
//
// Tables: pass. Opening a link spends nothing; a pass is spent when a second
// verification is proved, once.
package pass
