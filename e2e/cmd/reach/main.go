// Command reach tells which of the addresses in its arguments take a connection: from the pod in which it runs, for e2e-k8s.
package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

const patience = 2 * time.Second // a refused connection fails at once or, by some firewalls, never

func main() {
	for _, address := range os.Args[1:] {
		conn, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			fmt.Println("closed", address)
			continue
		}
		_ = conn.Close()
		fmt.Println("open", address)
	}
}
