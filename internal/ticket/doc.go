// Package ticket is the room of questions to the operators: a customer opens a
// ticket, operators answer, whoever sees it comments, and it is closed.
//
// Routes: /tickets…, /operator/tickets…, /operator/hours. Tables: ticket,
// ticket_counter, ticket_entry, ticket_reader, ticket_pair, attachment,
// attachment_chunk, answer_template.
//
// Who sees what is WhoIs, what may be done is Next; a ticket of others is like one
// that never was. Each deed is one transaction with one record and its letters,
// which never hold the text for who can read it in the portal. What is typed is
// plain text, shown as such: there is nothing to sanitize. Attachments are written
// in pieces while they arrive and count once the deed is done.
package ticket
