//go:build !linux

package store

import "syscall"

// control does nothing where the system knows no such bound; keepalives remain.
func control(string, string, syscall.RawConn) error { return nil }
