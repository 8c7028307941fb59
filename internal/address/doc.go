// Package address is the change of somebody's mail address: one's own, one that a
// Portal Admin asks for, and an operator's correction against a ticket.
//
// Tables: address_change. Nothing changes before the new mailbox has answered: a link
// goes to the address in the row and to no other, opening it spends nothing, and one
// function consumes it, with the move, in one transaction. The old address is told
// at once. A page never says whether somebody signs in with a typed address.
package address
