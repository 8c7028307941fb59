// Command nidan is a self-hosted business portal with 2-step verification.
package main

import (
	"os"

	"nidan/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
