// Package verification is the ledger of second steps: the one place where a typed
// code is tried, accepted once, or refused and counted, for both methods and
// every door.
//
// Tables: second_step, second_step_failure, second_step_state. It does not decide
// which method is asked or what a right code opens: the one rule does.
package verification
