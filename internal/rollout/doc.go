// Package rollout is the room of the change from 1-step to 2-step as one object:
// the period, the end that binds each account, and the grace until then.
//
// Tables: rollout, rollout_version, extension, grace_end. Nothing in it flips at an instant: who
// has grace now follows from instants that were written down before.
package rollout
