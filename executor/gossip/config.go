package gossip

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// config sets the library. Its settings for a local network leave a machine at full load alone, which is what executors are: eager ones
// gave hundreds of false alarms. The two below keep a crash from being doubted for half a minute in a cluster of four.
func (m *Member) config(ctx context.Context, o Options) (*memberlist.Config, error) {
	meta, err := o.Self.marshal()
	if err != nil {
		return nil, err
	}
	if o.Bind == "" {
		o.Bind = "127.0.0.1:0"
	}
	c := memberlist.DefaultLANConfig()
	c.SuspicionMaxTimeoutMult = 2
	c.PushPullInterval = 10 * time.Second
	c.Name, c.Label = o.Self.member(), o.Cluster
	if c.BindAddr, c.BindPort, err = split(ctx, o.Bind); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	c.AdvertisePort = c.BindPort
	if o.Advertise != "" {
		if c.AdvertiseAddr, _, err = split(ctx, net.JoinHostPort(o.Advertise, "0")); err != nil {
			return nil, fmt.Errorf("gossip: %w", err)
		}
	}
	if net.ParseIP(c.BindAddr).IsLoopback() {
		if c.CIDRsAllowed, err = memberlist.ParseCIDRs([]string{"127.0.0.0/8", "::1/128"}); err != nil {
			return nil, err
		}
	}
	if len(o.Keys) > 0 {
		if m.keys, err = memberlist.NewKeyring(o.Keys, o.Keys[0]); err != nil {
			return nil, fmt.Errorf("gossip keys: %w", err)
		}
		c.Keyring = m.keys
	}
	c.Logger = log.New(logLines{o.Log}, "", 0)
	d := delegate{m, meta}
	c.Delegate, c.Events, c.Alive = d, d, d
	return c, nil
}

// delegate is what the library calls, under its lock: it copies, and calls nothing of the library.
type delegate struct {
	m    *Member
	meta []byte
}

func (d delegate) NodeMeta(int) []byte             { return d.meta }
func (delegate) NotifyMsg([]byte)                  {}
func (delegate) GetBroadcasts(int, int) [][]byte   { return nil }
func (delegate) LocalState(bool) []byte            { return nil }
func (delegate) MergeRemoteState([]byte, bool)     {}
func (d delegate) NotifyJoin(n *memberlist.Node)   { d.put(n) }
func (d delegate) NotifyUpdate(n *memberlist.Node) { d.put(n) }
func (d delegate) NotifyAlive(n *memberlist.Node) error {
	node, err := unmarshal(n.Meta)
	if err == nil && node.member() != n.Name {
		err = fmt.Errorf("member %q announces itself as %q", n.Name, node.member())
	}
	return err
}

func (d delegate) NotifyLeave(n *memberlist.Node) {
	d.m.mu.Lock()
	delete(d.m.nodes, n.Name)
	d.m.mu.Unlock()
	d.m.tell()
}

func (d delegate) put(n *memberlist.Node) {
	node, err := unmarshal(n.Meta)
	if err != nil {
		return // NotifyAlive has refused it
	}
	d.m.mu.Lock()
	d.m.nodes[n.Name] = node
	d.m.mu.Unlock()
	d.m.tell()
}

func (m *Member) tell() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// logLines takes the library's lines. Its errors are mostly other nodes' ends, so they are warnings here.
type logLines struct{ log *slog.Logger }

// Write logs one line.
func (l logLines) Write(line []byte) (int, error) {
	text, level := strings.TrimSpace(string(line)), slog.LevelDebug
	// A connection without any label, and without anything else, is how askOne sees whether somebody listens.
	if strings.HasPrefix(text, "[ERR]") && !strings.Contains(text, `unacceptable label ""`) {
		text, level = strings.Replace(text, "[ERR] memberlist: ", "gossip: ", 1), slog.LevelWarn
	}
	l.log.Log(context.Background(), level, text)
	return len(line), nil
}
