// Package crash is the harness that kills the portal and looks at what is left: the
// real program as a process of its own, people who sign in, enroll, reset, recover,
// govern and ask while it is killed with SIGKILL, a history of what they were
// answered, and every invariant of SECURITY.md held against database and history.
//
// It ships nothing: everything stands in tests. The short form runs with all tests,
// the long one by
//
//	NIDAN_KILLS=500 go test ./internal/crash -run Kill -timeout 4h -v
package crash
