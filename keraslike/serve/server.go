// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server returns a server for an address whose limits on time and headers suit a Handler: a client has 5
// seconds for its header and a little more than Timeout for the rest, and an idle connection is closed
// after two minutes. ListenAndServe uses it; others do for TLS, or to put the handler behind a
// middleware.
func (h *Handler) Server(addr string) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5*time.Second + h.settings.timeout,
		WriteTimeout:      20*time.Second + 2*h.settings.timeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(h.settings.log.Handler(), slog.LevelDebug), // faults of clients
	}
}

// ListenAndServe serves at a TCP address until ctx is done, and then stops as Serve does.
func (h *Handler) ListenAndServe(ctx context.Context, addr string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return h.Serve(ctx, listener)
}

// Serve serves the connections of a listener until ctx is done. Then the handler is not ready, new
// connections are refused, requests in progress are answered, and the handler is closed. It returns nil
// if that took less than the time of Grace.
func (h *Handler) Serve(ctx context.Context, listener net.Listener) error {
	server := h.Server("")
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		h.Close()
		return err
	case <-ctx.Done():
	}
	h.Drain()
	h.settings.log.Info("shutting down")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.settings.grace)
	defer cancel()
	err := server.Shutdown(stopping)
	if err != nil {
		_ = server.Close()
		err = errors.New("serve: requests were still in progress after the time of Grace")
	}
	<-ended
	h.Close()
	return err
}
