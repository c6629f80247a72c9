package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/client"
	"github.com/confab-chat/confab/pkg/pause"
)

// redisSilent has Redis answer nobody, under a load that is watched for losses. What it had is gone afterwards: to end a pause one has to end Redis.
func (r *run) redisSilent(ctx context.Context, until func(context.Context) error) (string, error) {
	return r.under(ctx, rare, func(ctx context.Context) error {
		if err := r.pauseRedis(ctx, 2*time.Hour); err != nil {
			return err
		}
		waited := until(ctx)
		ctx = context.WithoutCancel(ctx)
		_, err := r.in(ctx, "delete", "pod", release+"-redis-0", "--grace-period=0", "--force")
		return errors.Join(waited, err, r.statefulSetReady(ctx, "redis"))
	})
}

// redisFalters has it silent for so long that a probe finds out, each other minute.
func (r *run) redisFalters(ctx context.Context, until func(context.Context) error) (string, error) {
	return r.under(ctx, rare, func(ctx context.Context) error {
		return beside(ctx, 2*time.Minute, func(ctx context.Context) {
			if err := r.pauseRedis(ctx, 15*time.Second); err != nil && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "  !", err)
			}
		}, until)
	})
}

// pauseRedis reaches it by a port-forward: no policy has to be open for it.
func (r *run) pauseRedis(ctx context.Context, long time.Duration) error {
	ctx, stop := context.WithCancel(ctx)
	forward := exec.CommandContext(ctx, "kubectl", "-n", r.namespace, "port-forward", "pod/"+release+"-redis-0", ":6379")
	forward.Stderr = os.Stderr
	out, err := forward.StdoutPipe()
	if err == nil {
		err = forward.Start()
	}
	if err != nil {
		stop()
		return err
	}
	defer func() { stop(); _ = forward.Wait() }() // it ends by being stopped
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("kubectl port-forward: %w", err)
	}
	address, _, _ := strings.Cut(strings.TrimPrefix(line, "Forwarding from "), " ")
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "CLIENT PAUSE %d ALL\r\n", long.Milliseconds()); err != nil {
		return err
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && answer != "+OK\r\n" {
		err = fmt.Errorf("CLIENT PAUSE is answered with %q", answer)
	}
	return err
}

func (r *run) statefulSetReady(ctx context.Context, store string) error {
	_, err := r.in(ctx, "rollout", "status", "statefulset/"+release+"-"+store, "--timeout=3m")
	return err
}

func (r *run) conversationsAway(ctx context.Context, until func(context.Context) error) (string, error) {
	err := r.withCalls(ctx, 500*time.Millisecond, func(ctx context.Context) error {
		if err := r.takeAway(ctx, "conversation-svc"); err != nil {
			return err
		}
		return until(ctx)
	})
	return "", errors.Join(err, r.mend(ctx))
}

// messagesAway restarts conversation-svc too: its walk begins then.
func (r *run) messagesAway(ctx context.Context, until func(context.Context) error) (string, error) {
	err := r.takeAway(ctx, "message-svc")
	if err == nil {
		_, err = r.in(ctx, "rollout", "restart", "deployment/"+release+"-conversation-svc")
	}
	if err == nil {
		err = until(ctx)
	}
	return "", errors.Join(err, r.mend(ctx))
}

func (r *run) takeAway(ctx context.Context, service string) error {
	_, err := r.in(ctx, "scale", "deployment/"+release+"-"+service, "--replicas=0")
	return err
}

// mend has the release be as it was installed.
func (r *run) mend(ctx context.Context) error { return r.deploy(context.WithoutCancel(ctx), r.tag) }

// fewConnections has each service wait for one connection to a slow MongoDB, under more requests than that bears. To take MongoDB away would not do: who has none is not
// ready, and nobody asks it anything.
func (r *run) fewConnections(ctx context.Context, until func(context.Context) error) (string, error) {
	err := r.deploy(ctx, r.tag, "--set", "mongodb.uri=mongodb://"+release+"-mongodb:27017/?maxPoolSize=1")
	if err == nil {
		_, err = r.in(ctx, "set", "resources", "statefulset/"+release+"-mongodb", "--limits=cpu=100m")
	}
	if err == nil {
		err = r.statefulSetReady(ctx, "mongodb")
	}
	if err == nil {
		err = r.withCalls(ctx, 20*time.Millisecond, until)
	}
	_, undone := r.in(context.WithoutCancel(ctx), "rollout", "undo", "statefulset/"+release+"-mongodb") // helm knows nothing of its limit
	return "", errors.Join(err, undone, r.mend(ctx))
}

// unhealthy has web asked for its life where it says nothing.
func (r *run) unhealthy(ctx context.Context, until func(context.Context) error) (string, error) {
	const patch = `[{"op": "replace", "path": "/spec/template/spec/containers/0/livenessProbe/httpGet/path", "value": "/nothing"}]`
	_, err := r.in(ctx, "patch", "deployment/"+release+"-web", "--type", "json", "-p", patch)
	if err == nil {
		err = until(ctx)
	}
	return "", errors.Join(err, r.mend(ctx))
}

// rush knocks more often than the gateways open.
func (r *run) rush(ctx context.Context, until func(context.Context) error) (string, error) {
	err := r.deploy(ctx, r.tag, "--set-string", "services.realtime-svc.env.CONFAB_CONNECT_RATE=1")
	if err == nil {
		err = beside(ctx, 100*time.Millisecond, r.knock, until)
	}
	return "", errors.Join(err, r.mend(ctx))
}

func (r *run) knock(ctx context.Context) {
	socket, answer, err := websocket.DefaultDialer.DialContext(ctx, "ws"+strings.TrimPrefix(r.url(), "http")+"/v1/ws", nil)
	if err == nil {
		_ = socket.Close()
	}
	if answer != nil {
		_ = answer.Body.Close()
	}
}

// withCalls has somebody read the inbox and send over a socket, again and again, whatever becomes of it.
func (r *run) withCalls(ctx context.Context, apart time.Duration, during func(context.Context) error) error {
	c, err := client.New(client.Options{URL: r.url()})
	if err != nil {
		return err
	}
	email := fmt.Sprintf("alarm%d@example.com", time.Now().UnixNano())
	if _, err := c.Register(ctx, client.Registration{Email: email, Password: "correct horse", FirstName: "Al", LastName: "Arm"}); err != nil {
		return err
	}
	room, err := c.Start(ctx, client.Start{Type: client.Group, Title: "Alarm"})
	if err != nil {
		return err
	}
	socket := c.Socket(client.SocketOptions{})
	running, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { _ = socket.Run(running) }) // it ends with the context
	defer func() { stop(); group.Wait() }()
	return beside(ctx, apart, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 12*time.Second) // above that of a request: the service is to say itself that it cannot
		defer cancel()
		_, _ = c.Inbox(ctx, client.Page{}) // it fails: that is the fault
		_, _ = socket.Send(ctx, client.Draft{ConversationID: room.Conversation.ID, Body: "Anybody?"})
	}, during)
}

// beside does something again and again, a moment apart and without waiting for it, while during lasts.
func beside(ctx context.Context, apart time.Duration, again func(context.Context), during func(context.Context) error) error {
	working, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		for ok := true; ok; ok = pause.For(working, apart) {
			group.Go(func() { again(working) })
		}
	})
	err := during(ctx)
	stop()
	group.Wait()
	return err
}
