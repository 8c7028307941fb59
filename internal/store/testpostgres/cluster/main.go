// Cluster starts and stops throw-away PostgreSQL servers for tests.
//
//	cluster start DIR   make a server in the new folder DIR and print its URL
//	cluster stop DIR    stop it and remove DIR
//	cluster stop        the same for the server that plain `go test` left running
package main

import (
	"errors"
	"fmt"
	"os"

	"nidan/internal/store/testpostgres"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "start":
		address, err := testpostgres.Start(args[1])
		if err != nil {
			return errors.Join(err, testpostgres.Stop(args[1]))
		}
		fmt.Println(address)
		return nil
	case len(args) == 2 && args[0] == "stop":
		return testpostgres.Stop(args[1])
	case len(args) == 1 && args[0] == "stop":
		return testpostgres.StopShared()
	default:
		return errors.New("usage: cluster start DIR | cluster stop [DIR]")
	}
}
