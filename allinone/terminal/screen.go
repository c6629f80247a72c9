package terminal

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// screen is where lines are typed and printed. Writing and reading may happen at once.
type screen interface {
	io.Writer
	line(prompt string) (string, error) // io.EOF: the end
	secret(prompt string) (string, error)
	patient() bool // lines may be left unread for as long as it takes: none of them is Ctrl-C
}

// open returns the screen of a terminal, or of pipes. The terminal is as it was after restore.
func open(stdin io.Reader, stdout io.Writer) (s screen, restore func(), err error) {
	in, isFile := stdin.(*os.File)
	out, alsoFile := stdout.(*os.File)
	if !isFile || !alsoFile || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return &pipes{in: bufio.NewReader(stdin), out: stdout, echoes: isFile && term.IsTerminal(int(in.Fd()))}, func() {}, nil
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, nil, err
	}
	t := &terminal{Terminal: term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, ""), fd: int(out.Fd())}
	return t, func() { _ = term.Restore(int(in.Fd()), before) }, nil // it was a terminal just now
}

// terminal keeps the line that is being typed below what is printed. Ctrl-C and Ctrl-D are its end.
type terminal struct {
	*term.Terminal
	fd int
}

func (t *terminal) line(prompt string) (string, error) {
	t.fit()
	t.SetPrompt(prompt)
	return t.ReadLine()
}

func (t *terminal) secret(prompt string) (string, error) {
	t.fit()
	return t.ReadPassword(prompt)
}

func (t *terminal) patient() bool { return false }

// fit asks for the window's size, which may have changed.
func (t *terminal) fit() {
	if width, height, err := term.GetSize(t.fd); err == nil && width > 0 {
		_ = t.SetSize(width, height) // what is typed wraps elsewhere
	}
}

// pipes are a screen for scripts.
type pipes struct {
	in     *bufio.Reader
	out    io.Writer
	echoes bool // what is typed is seen
}

func (p *pipes) Write(b []byte) (int, error) { return p.out.Write(b) }

func (p *pipes) line(string) (string, error) {
	line, err := p.in.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil // the last line lacks its end
	}
	return strings.TrimRight(line, "\r\n"), err
}

func (p *pipes) secret(prompt string) (string, error) {
	if p.echoes {
		return "", errors.New("the password would be seen: give it in CONFAB_PASSWORD")
	}
	return p.line(prompt)
}

func (p *pipes) patient() bool { return true }
