package chaos

import (
	"runtime"
	"testing"
	"time"

	"github.com/confab-chat/confab/e2e/split"
)

// The services run under the race detector, as this process does, and no goroutine may be left of them and of the clients.
func TestAGatewayThatIsKilledLosesNothing(t *testing.T) {
	bin, err := split.Build(t.Context(), split.Racy)
	if err != nil {
		t.Fatal(err)
	}
	s := Scenario{
		Name: t.Name(), Load: Load{Rooms: 2, Readers: 60, Writers: 2, Every: 200 * time.Millisecond}, Kind: split.Racy, Fault: killGateway,
	}
	report, err := s.Run(t.Context(), bin, t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Errorf("the verdict is %+v, wrong inboxes %q", report.Verdict, report.Inboxes)
	}
	if report.SocketsCut < 20 || report.Acknowledged < 50 || report.Deliveries < report.Acknowledged*30 {
		t.Errorf("%d sockets were cut, %d changes acknowledged, %d delivered: too little to tell", report.SocketsCut, report.Acknowledged, report.Deliveries)
	}
	for begin := time.Now(); inOurCode(allStacks()) > 1; time.Sleep(arrivalPoll) { // this test's own is one
		if time.Since(begin) > leakWait {
			t.Fatalf("these goroutines are left:\n%s", allStacks())
		}
	}
}

func allStacks() string {
	b := make([]byte, 8<<20)
	return string(b[:runtime.Stack(b, true)])
}
