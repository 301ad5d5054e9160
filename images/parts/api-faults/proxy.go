package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// proxy stands before an API server and does to requests what its rules say.
type proxy struct {
	authority *x509.CertPool
	forward   *httputil.ReverseProxy

	// Rules and running requests change together, so that no watch slips in between.
	mutex   sync.Mutex
	rules   []rule
	running map[*runningRequest]struct{}
}

// runningRequest is a request that was let through and is not over.
type runningRequest struct {
	asked request
	cut   context.CancelFunc
}

// newProxy makes a proxy before the server at an address. Clients that show a certificate of the
// authority are vouched for by `voucher`; all others speak for themselves.
func newProxy(address string, authority *x509.CertPool, voucher tls.Certificate) *proxy {
	made := &proxy{authority: authority, running: map[*runningRequest]struct{}{}}
	made.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "https"
			r.Out.URL.Host = address
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			r.Out.Host = r.In.Host
			who, _ := r.In.Context().Value(identityKey{}).(*identity)
			tell(r.Out.Header, who)
		},
		Transport:     newTransports(authority, voucher),
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		// A server that is away cuts connections, and so does this.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	return made
}

type identityKey struct{}

// use takes rules in place of those before, and cuts the running watches that they drop.
func (p *proxy) use(rules []rule) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.rules = rules
	for request := range p.running {
		if request.asked.Verb != "watch" {
			continue
		}
		for _, rule := range rules {
			if rule.Drop && rule.matches(request.asked) && rule.hits() {
				request.cut()
				break
			}
		}
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, err := identify(r, p.authority)
	if err != nil && r.Header.Get("Authorization") == "" {
		answer(w, http.StatusUnauthorized, err.Error())
		return
	}
	asked := understand(r)
	asked.User = userOf(r, who)

	ctx, cut := context.WithCancel(context.WithValue(r.Context(), identityKey{}, who))
	defer cut()
	hit, end := p.enter(asked, cut)
	defer end()
	for _, rule := range hit {
		if rule.DelayMilliseconds > 0 {
			select {
			case <-time.After(rule.delay()):
			case <-ctx.Done():
				panic(http.ErrAbortHandler)
			}
		}
		if rule.Drop {
			panic(http.ErrAbortHandler)
		}
		if rule.Error != 0 {
			answer(w, rule.Error, "injected by kindrs: "+rule.id)
			return
		}
	}
	p.forward.ServeHTTP(w, r.WithContext(ctx))
}

// enter finds the rules that hit a request and counts it among the running ones until its end.
func (p *proxy) enter(asked request, cut context.CancelFunc) (hit []rule, end func()) {
	running := &runningRequest{asked: asked, cut: cut}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, rule := range p.rules {
		if rule.matches(asked) && rule.hits() {
			hit = append(hit, rule)
		}
	}
	p.running[running] = struct{}{}
	return hit, func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		delete(p.running, running)
	}
}

// reasons by status, as the API server writes them.
var reasons = map[int]string{
	400: "BadRequest",
	401: "Unauthorized",
	403: "Forbidden",
	404: "NotFound",
	405: "MethodNotAllowed",
	406: "NotAcceptable",
	409: "Conflict",
	410: "Gone",
	413: "RequestEntityTooLarge",
	415: "UnsupportedMediaType",
	422: "Invalid",
	429: "TooManyRequests",
	500: "InternalError",
	503: "ServiceUnavailable",
	504: "Timeout",
}

// answer refuses a request as an API server would.
func answer(w http.ResponseWriter, code int, message string) {
	status := map[string]any{
		"kind":       "Status",
		"apiVersion": "v1",
		"metadata":   map[string]any{},
		"status":     "Failure",
		"message":    message,
		"code":       code,
	}
	if reason, known := reasons[code]; known {
		status["reason"] = reason
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache, private")
	if code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(status)
}

// transports lead to the API server: with the voucher's certificate or without any, and by HTTP/2
// or, for what upgrades its connection, HTTP/1.1.
type transports struct {
	vouched, vouchedUpgrade, plain, plainUpgrade *http.Transport
}

func newTransports(authority *x509.CertPool, voucher tls.Certificate) *transports {
	transport := func(protocol string, certificates ...tls.Certificate) *http.Transport {
		return &http.Transport{
			TLSClientConfig: &tls.Config{
				RootCAs:      authority,
				ServerName:   "kubernetes",
				Certificates: certificates,
				NextProtos:   []string{protocol},
				MinVersion:   tls.VersionTLS12,
			},
			ForceAttemptHTTP2:  protocol == "h2",
			DisableCompression: true,
		}
	}
	return &transports{
		vouched:        transport("h2", voucher),
		vouchedUpgrade: transport("http/1.1", voucher),
		plain:          transport("h2"),
		plainUpgrade:   transport("http/1.1"),
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transports) RoundTrip(r *http.Request) (*http.Response, error) {
	upgrades := r.Header.Get("Upgrade") != ""
	switch vouched := r.Header.Get("X-Remote-User") != ""; {
	case vouched && upgrades:
		return t.vouchedUpgrade.RoundTrip(r)
	case vouched:
		return t.vouched.RoundTrip(r)
	case upgrades:
		return t.plainUpgrade.RoundTrip(r)
	default:
		return t.plain.RoundTrip(r)
	}
}

// serverOf is the HTTPS server of a proxy, with the API server's own certificate.
func serverOf(handler http.Handler, certificate tls.Certificate) *http.Server {
	return &http.Server{
		Handler: handler,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{certificate},
			// Whom a certificate makes a client is decided by the handler, which can say so.
			ClientAuth: tls.RequestClientCert,
			NextProtos: []string{"h2", "http/1.1"},
			MinVersion: tls.VersionTLS12,
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// parseAddress reads an https URL's host and port.
func parseAddress(text string) (string, error) {
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "https" || strings.Trim(address.Path, "/") != "" {
		return "", fmt.Errorf("expected https://HOST:PORT, not %q", text)
	}
	return address.Host, nil
}
