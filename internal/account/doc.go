// Package account is the room of people: one person's sign-in in one organization.
//
// Tables: account, network, and address, which holds every sign-in address of the
// portal, operators' included, so that one address is one person. It says who
// somebody is and which method is assigned; what was proved stands elsewhere.
package account
