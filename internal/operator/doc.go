// Package operator is the room of the staff who run the portal: in no
// organization, TOTP only, with a sign-in page of their own.
//
// Tables: operator. The first one comes by a one-time link, later ones from the console.
package operator
