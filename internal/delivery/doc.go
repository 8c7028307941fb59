// Package delivery is the operators' page of the mail: how the outbox stands,
// letters that are not tried any more, addresses that mail does not reach.
//
// Routes: /operator/mail, /operator/mail/undeliverable and its table. Tables: none;
// it shows what mail keeps.
package delivery
