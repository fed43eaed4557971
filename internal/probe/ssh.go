package probe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"

	"plimsoll.example/plimsoll/internal/assess"
)

// ssh looks at an SSH server (RFC 4253).
func (r *run) ssh(ctx context.Context, port uint16) string {
	from, name := r.next(), portName("tcp", port)
	c, err := r.dial(ctx, "tcp", port, "listen for the version")
	if err != nil {
		return ""
	}
	line := c.line()
	c.received("%s", line)
	_ = c.Close()
	if !strings.HasPrefix(line, "SSH-") {
		return ""
	}
	if strings.HasPrefix(line, "SSH-1.") && !strings.HasPrefix(line, "SSH-1.99") {
		r.found("login.weak", assess.Bad, name, "SSH of version 1, which is broken", from)
		return "ssh"
	}
	r.logins(ctx, name, func(ctx context.Context, k Credential) (answer, error) { return r.sshLogin(ctx, port, k) })
	if len(r.t.Keys) == 0 || r.t.Keys[len(r.t.Keys)-1].Port != name { // no log-in was tried: the key is still to be seen
		_, _ = r.sshLogin(ctx, port, Credential{})
	}
	return "ssh"
}

// sshLogin tries one log-in; without a user none, only to see the key.
func (r *run) sshLogin(ctx context.Context, port uint16, k Credential) (answer, error) {
	what := "log in"
	if k.User == "" {
		what = "see the host key"
	}
	c, err := r.dial(ctx, "tcp", port, what)
	if err != nil {
		return unknown, err
	}
	defer c.Close()
	seen := errors.New("seen")
	host := make(chan string, 1)
	config := &ssh.ClientConfig{
		User: k.User, ClientVersion: "SSH-2.0-plimsoll",
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			sum := sha256.Sum256(key.Marshal())
			select {
			case host <- hex.EncodeToString(sum[:]):
			default: // it changes its keys: the first one counts
			}
			if k.User == "" {
				return seen
			}
			return nil
		},
		Auth: []ssh.AuthMethod{ssh.Password(k.Password), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = k.Password
			}
			return answers, nil
		})},
	}
	s, channels, requests, err := ssh.NewClientConn(lent{c}, "", config)
	select {
	case digest := <-host:
		r.key(portName("tcp", port), "ssh", digest)
	default:
	}
	switch {
	case err == nil:
		go ssh.DiscardRequests(requests)
		go func() {
			for ch := range channels {
				_ = ch.Reject(ssh.Prohibited, "")
			}
		}()
		_ = s.Close()
		c.received("accepted")
		return accepted, nil
	case strings.Contains(err.Error(), "unable to authenticate"):
		c.received("refused")
		return refused, nil
	}
	c.received("no log-in")
	return unknown, err
}
