package web

import "time"

// AnswerWithin shortens what a replica gets for its answer.
func (a *App) AnswerWithin(d time.Duration) {
	a.transport.ResponseHeaderTimeout, a.transport.TLSHandshakeTimeout = d, d
}
