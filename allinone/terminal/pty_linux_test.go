package terminal_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/confab-chat/confab/allinone/terminal"
)

// openPTY returns the two ends of a pseudo-terminal: what a person has before her, and what the program sees.
func openPTY(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(person.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 200}); err != nil {
		t.Fatal(err)
	}
	return person, program
}

func TestAtATerminal(t *testing.T) {
	c := serve(t)
	bob := c.as("Bob")
	c.as("Ann").types("/new bob@example.com Hi", "/quit")
	bob.types("/open " + bob.sees(`/open (\d)`)[1])

	person, program := openPTY(t)
	before, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	ann := &shell{t: t, ended: make(chan int, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			if err != nil {
				return // the program's end is closed
			}
			_, _ = ann.Write(b[:n])
		}
	}()
	go func() {
		ann.ended <- terminal.Command(context.Background(), []string{"-url", "http://" + c.address}, program, program, program)
	}()
	keys := func(s string) {
		if _, err := person.WriteString(s); err != nil {
			t.Fatal(err)
		}
	}
	ann.sees("Email: ")
	keys("ann@example.com\r")
	ann.sees("Password: ")
	keys("correct horse\r")
	ann.sees(`Hello, Ann\.`)
	ann.sees(`1  Bob Lee`)
	keys("/open 1\r")
	ann.sees(`── Bob Lee`)
	keys("half a li")
	ann.sees(`half a li`)
	bob.types("in between")
	ann.sees(`#2 Bob Lee: in between\r\n> half a li`) // what is being typed stays below
	keys("ne\r")
	bob.sees(`#3 Ann Lee: half a line\n`)
	keys("\x03")
	ann.ends(0)
	after, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Fatalf("the terminal is left as %+v, %v; it was %+v", after, err, before)
	}
	if strings.Contains(ann.all(), "correct horse") {
		t.Fatal("the password was shown")
	}
	_ = program.Close()
	<-read
	_ = person.Close()
}
