package cli

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"nidan/internal/config"
)

func TestASocketLeftBehindIsReplacedAndOneInUseIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lmtp.sock")
	first, err := openSocket(config.Socket{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if about, err := os.Stat(path); err != nil || about.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", about.Mode(), err)
	}
	if _, err := openSocket(config.Socket{Path: path}); err == nil {
		t.Error("a second node took the socket of the first")
	}
	first.(*net.UnixListener).SetUnlinkOnClose(false) // as when the process is killed
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openSocket(config.Socket{Path: path})
	if err != nil {
		t.Fatalf("after a kill: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("letters"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openSocket(config.Socket{Path: path}); err == nil {
		t.Error("a file that is no socket was replaced")
	}
}
