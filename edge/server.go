package edge

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Limits of one connection. What takes longer is either broken or an attack; the MCP endpoint lifts writeTimeout.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	// writeTimeout counts from the end of the header. It is longer than any call of the core.
	writeTimeout = 60 * time.Second
	idleTimeout  = 60 * time.Second
	maxHeader    = 32 << 10
	maxStreams   = 100
)

// NewHTTPServer returns a server for the edge without a listener. Its Shutdown ends the streams of the edge.
func NewHTTPServer(handler *Handler, logger *slog.Logger) *http.Server {
	server := newServer(handler, logger, handler.isMany)
	server.RegisterOnShutdown(handler.Shutdown)
	return server
}

func newServer(handler http.Handler, logger *slog.Logger, isMany func(netip.Addr) bool) *http.Server {
	return &http.Server{
		Handler:           handler,
		ConnState:         newConnections(maxConnections, maxOfSource, isMany).changed,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		// "OPTIONS *" is answered like everything else, with our headers and a log line.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}
