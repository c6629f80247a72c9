package chaos

import (
	"testing"
	"time"
)

func TestAGatewayThatIsKilledLosesNothing(t *testing.T) {
	s := Scenario{Name: t.Name(), Load: Load{Rooms: 2, Readers: 60, Writers: 2, Every: 200 * time.Millisecond}, Fault: killGateway}
	report, err := s.Run(t.Context(), t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Errorf("the verdict is %+v, wrong inboxes %q", report.Verdict, report.Inboxes)
	}
	if report.SocketsCut < 20 || report.Acknowledged < 50 || report.Deliveries < report.Acknowledged*30 {
		t.Errorf("%d sockets were cut, %d changes acknowledged, %d delivered: too little to tell", report.SocketsCut, report.Acknowledged, report.Deliveries)
	}
}
