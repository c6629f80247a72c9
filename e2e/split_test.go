package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
)

// runSplit runs the suite over processes, and judges their logs as those of a Confab in this process.
func runSplit(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "confab-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	bin, err := split.Build(ctx, split.Released)
	if err != nil {
		return 1, err
	}
	d, err := split.Start(ctx, split.Options{Bin: bin, Dir: dir, MongoURI: os.Getenv("CONFAB_TEST_MONGO_URI"), Flags: map[string][]string{
		peer.ConversationService: {"-start-limit", "0"},
		peer.MessageService:      {"-send-rate", "0"},
		peer.RealtimeService:     {"-drain", "0"},
		routes.Web:               {"-drain", "0"},
	}})
	if err != nil {
		return 1, err
	}
	underTest.url = d.URL
	if underTest.expired, err = expiredOf(ctx, d); err != nil {
		return 1, errors.Join(err, d.Close())
	}
	code = m.Run()
	if err := d.Close(); err != nil {
		return 1, err
	}
	for _, p := range d.Processes() {
		log, err := os.ReadFile(p.LogFile)
		if err != nil {
			return 1, err
		}
		if err := verdict(string(log)); err != nil {
			return 1, fmt.Errorf("%s: %w", p, err)
		}
	}
	return code, nil
}

// expiredOf gets a dead token of the deployment's own keys.
func expiredOf(ctx context.Context, d *split.Deployment) (string, error) {
	p, err := d.StartReplica(ctx, peer.AuthService, "-tutorial-token-ttl", "1s")
	if err != nil {
		return "", err
	}
	token, err := expiredFrom(p.URL())
	return token, errors.Join(err, p.Terminate(), p.Wait(ctx))
}
