package web

import (
	"net"

	"golang.org/x/sys/unix"
)

// hush has the system take no new connection for a listener, as if nobody heard: who asks
// for one asks again a second later and is refused then. Connections that are being made
// are made, and those that wait to be taken can be.
func hush(listener net.Listener) (bool, error) {
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		return false, nil
	}
	conn, err := tcp.SyscallConn()
	if err != nil {
		return false, err
	}
	// Byte 13 of a TCP header holds its flags, of which SYN (2) begins a connection.
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jt: 0, Jf: 1, K: 2},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	}
	failed := conn.Control(func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	})
	if failed != nil {
		return false, failed
	}
	return err == nil, err
}

// queued is how many connections wait at a listener to be taken.
func queued(listener net.Listener) (n uint32) {
	conn, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return 0
	}
	_ = conn.Control(func(fd uintptr) { // a listener that is closed has none
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = info.Unacked // of a listener this is the length of its queue
		}
	})
	return n
}
