package store

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// control bounds how long what was sent may stay without the other machine's answer:
// keepalives do not look at a connection on which something is on its way.
func control(network, _ string, conn syscall.RawConn) (err error) {
	if network == "unix" {
		return nil
	}
	failed := conn.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(deadTime.Milliseconds()))
	})
	if failed != nil {
		return failed
	}
	return err
}
