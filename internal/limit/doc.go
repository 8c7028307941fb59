// Package limit says how often an act may be tried.
//
// Table: allowance, one row a name: the instant at which the allowance is full
// again (GCRA's theoretical arrival time). An allowance that is full has no need
// of a row. The rule is pure and answers not only no, but from when on yes.
//
// Counting is one conditional statement, so it is exact however many try at once,
// on both engines. Failures are spent in a transaction of their own that commits
// before the answer leaves; a name is made of a kind and keyed digests by the room
// that counts, and never holds an address or what somebody typed.
package limit
