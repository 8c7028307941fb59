// Package people is what a Portal Admin sees and governs of the accounts of the own
// organization: the list, one person, adding and editing, suspension, deletion,
// guides, waits, the method, passes.
//
// Routes: /accounts and below, but for /accounts/{id}/address. It has no tables of
// its own: it reads those of account and of the methods, and acts through account,
// pass and verification; each act is asked of the table (act) in its own transaction.
// Nobody of another organization is ever found here: such an id is answered like one
// that never was.
package people
