package cli

import (
	"os"
	"testing"

	"nidan/internal/config"
	"nidan/internal/store"
)

func TestANodeIsKnownByItsAddressAndOnPostgreSQLByItsMachine(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	listen := config.Address{Host: "127.0.0.1", Port: 8080}
	if name := nodeName(store.SQLite, listen); name != "127.0.0.1:8080" {
		t.Errorf("on SQLite %q", name)
	}
	if name := nodeName(store.PostgreSQL, listen); name != host+" 127.0.0.1:8080" {
		t.Errorf("on PostgreSQL %q", name)
	}
}
