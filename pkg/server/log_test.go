package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/server"
)

// logged returns the records, each as its message, code and count of those that were skipped.
func logged(t *testing.T, out *bytes.Buffer) []string {
	t.Helper()
	var lines []string
	for line := range bytes.Lines(out.Bytes()) {
		var r struct {
			Msg, Code string
			Skipped   int
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(r.Msg, r.Code, r.Skipped))
	}
	out.Reset()
	return lines
}

func TestAFloodOfRecordsThatSayTheSameIsCutAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := (&server.Config{}).NewLog(&out).With("service", "test")
		for range 1000 {
			log.Error("failed", "code", "busy")
		}
		standard := slog.NewLogLogger(log.Handler(), slog.LevelWarn)
		for port := range 1000 {
			standard.Printf("lost 127.0.0.1:%d", port)
		}
		log.Error("failed", "code", "other")
		log.Warn("failed", "error", "no code")
		if lines := logged(t, &out); len(lines) != 22 || lines[9] != "failedbusy0" || lines[19] != "lost 127.0.0.1:90" || lines[20] != "failedother0" || lines[21] != "failed0" {
			t.Errorf("written: %v", lines)
		}
		time.Sleep(time.Second)
		log.Error("failed", "code", "busy")
		log.Error("failed", "code", "busy")
		if lines := logged(t, &out); len(lines) != 2 || lines[0] != "failedbusy990" || lines[1] != "failedbusy0" {
			t.Errorf("a second later: %v", lines)
		}
	})
}

func TestWhatIsNoTroubleIsAlwaysLogged(t *testing.T) {
	var out bytes.Buffer
	log := (&server.Config{}).NewLog(&out)
	for range 1000 {
		log.Info("listening")
	}
	if lines := logged(t, &out); len(lines) != 1000 {
		t.Errorf("%d records of 1000", len(lines))
	}
}
