// Package mail is the way out for every letter the portal writes.
//
// A room calls Queue in the transaction of its deed: the letter stands in the
// outbox exactly if the deed was done. A Post takes letters from there and gives
// them to a Sender: SMTP for a relay, Catch for a demo's mailbox, Both for both.
//
// Three lanes keep each other waiting for nothing: codes, notices, bulk. Each has
// its own workers, so that a mailing never stands before a code. The bulk lane
// leases and settles many letters in one transaction, at a bounded pace.
//
// A letter is sent at least once. It is sent twice only where the relay took it
// and its answer, or our note of it, was lost on the way: a crash, a broken
// connection. Both copies then carry the same Message-ID. Nothing is sent after
// its expiry.
//
// An address that gets no mail is kept, with the relay's words: refused in the
// dialogue, or by a bounce that an Intake takes by LMTP for the letter's own address.
//
// Tables: mail (the outbox; it keeps who was written to, when and why it failed,
// and forgets the body once sent), undeliverable, demo_mail. Bodies are sealed,
// subjects are not: no code and no link stands in one. No error and no log line
// holds words of a body. Texts are the rooms'; none has a picture, a tracked link
// or a second recipient.
package mail
