package split

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
)

// thisMachine is whose X-Forwarded-For is believed: each visitor of a test can have an address of her own.
const thisMachine = "127.0.0.0/8,::1/128"

func (d *Deployment) newMongo() (*Process, error) {
	p, err := d.newProcess(Mongo, 0, "")
	if err != nil {
		return nil, err
	}
	p.command = func() *exec.Cmd {
		cmd := d.command(filepath.Join(d.options.Bin, Mongo), "-addr", p.Addr)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // not killed with this process: it ends with its input, and removes its data
		_, _ = cmd.StdinPipe()                                // held by cmd until the process ends; an error is Start's to tell
		return cmd
	}
	p.ready = func(ctx context.Context) error { return connects(ctx, p.Addr) }
	return p, nil
}

func (d *Deployment) newRedis() (*Process, error) {
	path, err := exec.LookPath(Redis)
	if err != nil {
		return nil, fmt.Errorf("redis-server is missing: install it, on Debian by `apt-get install redis-server`")
	}
	p, err := d.newProcess(Redis, 0, "")
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(p.Addr, ":") // freeAddress gave it
	p.command = func() *exec.Cmd {
		return d.command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", d.options.Dir)
	}
	p.ready = func(ctx context.Context) error { return answersPing(ctx, p.Addr) }
	return p, nil
}

func (d *Deployment) newService(service string, replica int, flags []string) (*Process, error) {
	p, err := d.newProcess(service, replica, "")
	if err != nil {
		return nil, err
	}
	if p.internalAddr, err = freeAddress(context.Background()); err != nil {
		return nil, err
	}
	given := []string{"-internal-addr", p.internalAddr}
	for _, way := range []struct{ flag, scheme, to, addr string }{
		{"-redis-url", "redis://", Redis, d.Redis.Addr},
		{"-auth-url", "http://", peer.AuthService, d.internal[peer.AuthService].addr()},
		{"-conversation-url", "http://", peer.ConversationService, d.internal[peer.ConversationService].addr()},
		{"-message-url", "http://", peer.MessageService, d.internal[peer.MessageService].addr()},
	} {
		addr, err := d.options.Between(p.String(), way.to, way.addr)
		if err != nil {
			return nil, err
		}
		given = append(given, way.flag, way.scheme+addr)
	}
	mongoURI, err := d.mongoFor(p)
	if err != nil {
		return nil, err
	}
	return p, d.serve(p, slices.Concat(given, d.options.Flags[service], flags), mongoURI)
}

func (d *Deployment) mongoFor(p *Process) (string, error) {
	if d.Mongo == nil {
		return d.options.MongoURI, nil
	}
	addr, err := d.options.Between(p.String(), Mongo, d.Mongo.Addr)
	return "mongodb://" + addr + "/", err
}

func (d *Deployment) newWeb() (*Process, error) {
	p, err := d.newProcess(routes.Web, 0, d.options.HTTPAddr)
	if err != nil {
		return nil, err
	}
	var flags []string
	for _, service := range services {
		var urls config.List
		for i := range d.options.Replicas {
			urls = append(urls, d.Process(service, i).URL())
		}
		flags = append(flags, "-"+strings.TrimSuffix(service, "-svc")+"-url", urls.String())
	}
	return p, d.serve(p, append(flags, d.options.Flags[routes.Web]...), "")
}

// serve completes a process that is one of ours. Secrets are in the environment, which only the user can read.
func (d *Deployment) serve(p *Process, flags []string, mongoURI string) error {
	admin, err := freeAddress(context.Background())
	if err != nil {
		return err
	}
	p.AdminURL = "http://" + admin
	flags = slices.Concat([]string{"-http-addr", p.Addr, "-admin-addr", admin, "-trusted-proxies", thisMachine}, flags)
	p.command = func() *exec.Cmd {
		cmd := d.command(filepath.Join(d.options.Bin, p.Service), flags...)
		cmd.Env = append(append(cmd.Env, d.options.Env(p)...), config.EnvName("service-keys")+"="+d.keys, config.EnvName("mongo-uri")+"="+mongoURI)
		return cmd
	}
	p.ready = func(ctx context.Context) error { return answersReady(ctx, p.AdminURL) }
	return nil
}

func (d *Deployment) newProcess(name string, replica int, address string) (*Process, error) {
	if address == "" {
		var err error
		if address, err = freeAddress(context.Background()); err != nil {
			return nil, err
		}
	}
	p := &Process{Service: name, Replica: replica, Addr: address, starter: d.starter, dead: d.dead}
	p.LogFile = filepath.Join(d.options.Dir, strings.ReplaceAll(p.String(), " ", "-")+".log")
	return p, os.WriteFile(p.LogFile, nil, 0o600)
}

// command runs a program in the deployment's directory, without this process's own settings.
func (d *Deployment) command(path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Dir = d.options.Dir
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, config.Prefix) {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}
