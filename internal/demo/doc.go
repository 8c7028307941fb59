// Package demo is what exists only in a demo: a portal full of people in the
// middle of a rollout, the mailbox of all of them, their authenticator apps, and a
// clock that jumps.
//
// Routes: /demo, /demo/mailbox, /demo/authenticator, /demo/clock; they are mounted
// in a demo alone. Tables: none of its own; it seeds through the other rooms'
// functions, moving its clock through a story of 30 days so that every row has the
// instant at which it would have been written.
package demo
