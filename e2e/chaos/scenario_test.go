package chaos

import (
	"testing"
	"time"

	"github.com/confab-chat/confab/e2e/split"
)

func TestAGatewayThatIsKilledLosesNothing(t *testing.T) {
	bin, err := split.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := Scenario{Name: t.Name(), Load: Load{Rooms: 2, Readers: 60, Writers: 2, Every: 200 * time.Millisecond}, Fault: killGateway}
	report, err := s.Run(t.Context(), bin, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() || len(report.Problems) > 0 {
		t.Errorf("the verdict is %+v", report.Verdict)
	}
	if report.SocketsCut < 20 || report.Acked < 50 || report.Deliveries < report.Acked*30 {
		t.Errorf("%d sockets were cut, %d messages acknowledged, %d delivered: too little to tell", report.SocketsCut, report.Acked, report.Deliveries)
	}
}
