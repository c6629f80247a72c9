package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// serve runs FerretDB and the gate until ctx is done, then removes the data. It writes the URI to stdout once clients can
// connect. An error means that one of them could not start, or that the data could not be removed.
func serve(ctx context.Context, addr string, gated bool, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "confab-mongotestserver-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	socket := filepath.Join(dir, "ferretdb.sock")
	ctx, cancel := context.WithCancel(ctx)
	stopped, err := startFerretDB(ctx, dir, socket, stderr)
	if err != nil {
		cancel()
		return fmt.Errorf("start FerretDB: %w", err)
	}
	defer func() { cancel(); <-stopped }()

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	g := newGate("unix", socket, gated)
	// FerretDB gives connected clients some seconds to leave; closed by the gate, they hold it up no longer.
	defer g.close()
	failed := make(chan error, 1)
	go func() { failed <- g.serve(ctx, listener) }()

	fmt.Fprintf(stdout, "mongodb://%s/\n", listener.Addr())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// startFerretDB keeps its data in dir and listens on a socket file alone, so that no client gets past the gate. The
// embedded server has no telemetry. It runs until ctx is done, and closes stopped when it has ended.
func startFerretDB(ctx context.Context, dir, socket string, stderr io.Writer) (stopped <-chan struct{}, err error) {
	db, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{Unix: socket},
		Logger:   slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:  "sqlite",
		// The data need not outlive the machine, and a disk's pace would slow every test.
		SQLiteURL: "file:" + dir + "/?_pragma=synchronous(off)",
	})
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = db.Run(ctx)
	}()
	return done, nil
}
