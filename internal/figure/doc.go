// Package figure takes the project's own figures: each beside the limit it is held
// against, measured in the same run. The load comes from a process of its own, so
// that the server's cost is the server's alone.
package figure
