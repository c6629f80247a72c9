// Package e2e_test is the suite that knows a base URL only. CONFAB_E2E_URL names the deployment to test; CONFAB_E2E_SPLIT=1 starts one of
// processes, two replicas of each service (package split); without either the suite starts all of Confab in this process. Nothing is skipped
// in any of these: what needs a look at files, flags or the log always starts a Confab of its own (see own), and the rest speaks HTTP
// and WebSocket to the one under test.
//
// A deployment of yours is best started with -trusted-proxies that hold this machine: each visitor then has an address of its own, and the limits by
// address stay out of each other's way. CONFAB_E2E_EXPIRED_TOKEN must hold a token that it issued and that has expired: log in once by
// POST /api/auth/login while -tutorial-token-ttl is 1s.
package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// underTest is the Confab that the suite speaks to.
var underTest struct {
	url     string
	expired string // a token that it issued and that has expired
}

func TestMain(m *testing.M) {
	underTest.url = strings.TrimSuffix(os.Getenv("CONFAB_E2E_URL"), "/")
	underTest.expired = os.Getenv("CONFAB_E2E_EXPIRED_TOKEN")
	if underTest.url != "" {
		os.Exit(m.Run())
	}
	run := runInProcess
	if os.Getenv("CONFAB_E2E_SPLIT") == "1" {
		run = runSplit
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func runInProcess(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "confab-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if underTest.expired, err = issueExpired(dir); err != nil {
		return 1, err
	}
	c, err := start(dir)
	if err != nil {
		return 1, err
	}
	underTest.url = c.url
	code = m.Run()
	if err := c.stop(); err != nil {
		return 1, err
	}
	return code, verdict(c.log.String())
}

// issueExpired gets a dead token. The Confab under test has the same keys.
func issueExpired(dir string) (string, error) {
	c, err := start(dir, "-tutorial-token-ttl", "1s")
	if err != nil {
		return "", err
	}
	token, err := expiredFrom(c.url)
	return token, errors.Join(err, c.stop())
}

// expiredFrom registers somebody where tutorial tokens live for a second, and waits until hers is dead.
func expiredFrom(url string) (string, error) {
	body := `{"email":"expired@example.com","password":"correct horse","firstName":"Ex","lastName":"Pired"}`
	response, err := http.Post(url+"/api/auth/register", "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	answer, err := read(response)
	if err != nil {
		return "", err
	}
	token := regexp.MustCompile(`"token":"JWT ([^"]+)"`).FindStringSubmatch(answer.body)
	if token == nil {
		return "", fmt.Errorf("no token in %s", answer.body)
	}
	time.Sleep(1100 * time.Millisecond) // a token's life is in whole seconds
	return token[1], nil
}
