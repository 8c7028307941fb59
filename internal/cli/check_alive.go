package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// aliveTime is how long a node may take to say that it lives.
const aliveTime = 5 * time.Second

// alive asks /healthz of the node that serves under these settings: an image that holds
// one file has no other program for it.
func (cmd checkCommand) alive(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	host := cfg.Listen.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // without a file of hosts there is no localhost
	}
	address := "http://" + net.JoinHostPort(host, strconv.Itoa(int(cfg.Listen.Port))) + "/healthz"
	ctx, cancel := context.WithTimeout(ctx, aliveTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("it does not answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, response.Status)
	}
	c.say("alive")
	return nil
}
