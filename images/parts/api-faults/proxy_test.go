package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// place is a proxy before an API server that tells what it was asked.
type place struct {
	t       *testing.T
	proxy   *proxy
	url     string
	issuer  issuer
	clients *x509.CertPool
}

func newPlace(t *testing.T) *place {
	issuer := newIssuer(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(fakeServer))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{issuer.issue(t, "kube-apiserver")},
		ClientAuth:   tls.RequestClientCert,
	}
	server.StartTLS()
	t.Cleanup(server.CloseClientConnections)

	address, err := parseAddress(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	made := &place{t: t, issuer: issuer, clients: issuer.pool()}
	made.proxy = newProxy(address, issuer.pool(), issuer.issue(t, "front-proxy-client"))
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front := serverOf(made.proxy, issuer.issue(t, "kube-apiserver"))
	go front.ServeTLS(listener, "", "")
	t.Cleanup(func() { front.Close() })
	made.url = "https://" + listener.Addr().String()
	return made
}

func (p *place) use(rules ...string) {
	read := make([]rule, 0, len(rules))
	for _, text := range rules {
		read = append(read, ruleOf(p.t, text))
	}
	p.proxy.use(read)
}

func (p *place) client(protocol string, certificates ...tls.Certificate) *http.Client {
	return &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: protocol == "h2",
		TLSClientConfig: &tls.Config{
			RootCAs: p.clients, ServerName: "kubernetes", Certificates: certificates,
			NextProtos: []string{protocol},
		},
	}}
}

func (p *place) get(client *http.Client, path string, header ...string) (int, string, http.Header, error) {
	request, err := http.NewRequest("GET", p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), response.Header, err
}

// fakeServer answers with who asks what; watches never end, upgrades echo.
func fakeServer(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Upgrade") != "":
		connection, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer connection.Close()
		fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n",
			r.Header.Get("Upgrade"))
		line, _ := buffer.ReadString('\n')
		fmt.Fprintf(connection, "echo %s", line)
	case r.URL.Query().Get("watch") != "":
		for r.Context().Err() == nil {
			fmt.Fprintln(w, "added")
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	default:
		shown := ""
		if len(r.TLS.PeerCertificates) > 0 {
			shown = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		fmt.Fprintf(w, "certificate=%s user=%s groups=%s token=%s query=%s", shown,
			r.Header.Values("X-Remote-User"), r.Header.Values("X-Remote-Group"),
			r.Header.Get("Authorization"), r.URL.RawQuery)
	}
}

func TestIdentitiesPassAndCannotBeClaimed(t *testing.T) {
	p := newPlace(t)
	admin := p.issuer.issue(t, "admin", "others", "system:masters")
	stranger := newIssuer(t).issue(t, "admin", "system:masters")
	claims := []string{"X-Remote-User", "root", "x-remote-group", "system:masters", "X-Remote-Extra-A", "b"}
	token := append([]string{"Authorization", "Bearer a.b.c"}, claims...)
	for _, protocol := range []string{"h2", "http/1.1"} {
		for _, test := range []struct {
			what   string
			client *http.Client
			header []string
			code   int
			want   string
		}{
			{"a certificate", p.client(protocol, admin), claims, 200,
				"certificate=front-proxy-client user=[admin] groups=[others system:masters] token= query=a=%2f&b"},
			{"a token", p.client(protocol), token, 200,
				"certificate= user=[] groups=[] token=Bearer a.b.c query=a=%2f&b"},
			{"nothing", p.client(protocol), claims, 200,
				"certificate= user=[] groups=[] token= query=a=%2f&b"},
			{"a stranger's certificate", p.client(protocol, stranger), claims, 401, `"reason":"Unauthorized"`},
		} {
			code, body, _, err := p.get(test.client, "/api/v1/pods?a=%2f&b", test.header...)
			if err != nil || code != test.code || !strings.Contains(body, test.want) {
				t.Errorf("%s by %s: %d %s %v", test.what, protocol, code, body, err)
			}
		}
	}
}

func TestErrorsAreAnsweredAsAnAPIServerDoes(t *testing.T) {
	p := newPlace(t)
	p.use(`{"resources": ["pods"], "error": 503}`, `{"resources": ["secrets"], "error": 429}`)
	client := p.client("h2")
	code, body, header, err := p.get(client, "/api/v1/pods")
	var status map[string]any
	if err != nil || code != 503 || json.Unmarshal([]byte(body), &status) != nil {
		t.Fatal(code, body, err)
	}
	if status["kind"] != "Status" || status["reason"] != "ServiceUnavailable" || status["code"] != 503.0 {
		t.Error(body)
	}
	// With a Retry-After, clients would try again by themselves, and hide the error.
	if header.Get("Retry-After") != "" {
		t.Error(header)
	}
	if code, _, header, _ := p.get(client, "/api/v1/secrets"); code != 429 || header.Get("Retry-After") != "1" {
		t.Error(code, header)
	}
	if code, body, _, _ := p.get(client, "/api/v1/nodes"); code != 200 {
		t.Error(code, body)
	}
}

func TestDelaysAddUpAndComeBeforeErrors(t *testing.T) {
	p := newPlace(t)
	p.use(`{"delayMilliseconds": 60}`, `{"delayMilliseconds": 60, "error": 500}`)
	started := time.Now()
	if code, _, _, _ := p.get(p.client("h2"), "/api/v1/pods"); code != 500 {
		t.Error(code)
	}
	if took := time.Since(started); took < 120*time.Millisecond {
		t.Error(took)
	}
}

func TestDroppedRequestsHaveNoAnswer(t *testing.T) {
	p := newPlace(t)
	p.use(`{"resources": ["pods"], "drop": true}`)
	for _, protocol := range []string{"h2", "http/1.1"} {
		client := p.client(protocol)
		if code, body, _, err := p.get(client, "/api/v1/pods"); err == nil {
			t.Error(protocol, code, body)
		}
		if code, _, _, err := p.get(client, "/api/v1/nodes"); err != nil || code != 200 {
			t.Error(protocol, code, err)
		}
	}
}

func TestRunningWatchesAreCutByANewRule(t *testing.T) {
	p := newPlace(t)
	for _, protocol := range []string{"h2", "http/1.1"} {
		p.use()
		cut := p.watch(protocol, "/api/v1/pods?watch=true")
		kept := p.watch(protocol, "/api/v1/nodes?watch=true")
		p.use(`{"resources": ["pods"], "verbs": ["watch"], "drop": true}`)
		if _, err := io.Copy(io.Discard, cut); err == nil {
			t.Error("the watch ends as if it were over")
		}
		for range 20 {
			if _, err := kept.ReadString('\n'); err != nil {
				t.Fatal("the other watch is cut as well:", err)
			}
		}
	}
}

// watch opens a watch and returns it when its first event has come through.
func (p *place) watch(protocol, path string) *bufio.Reader {
	ctx, cancel := context.WithCancel(context.Background())
	p.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, "GET", p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := p.client(protocol).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	reader := bufio.NewReader(response.Body)
	if line, err := reader.ReadString('\n'); err != nil || line != "added\n" {
		p.t.Fatal(line, err)
	}
	return reader
}

func TestUpgradedConnectionsPass(t *testing.T) {
	p := newPlace(t)
	connection, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"), &tls.Config{
		RootCAs: p.clients, ServerName: "kubernetes", NextProtos: []string{"http/1.1"},
		Certificates: []tls.Certificate{p.issuer.issue(t, "admin")},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "POST /api/v1/namespaces/a/pods/b/exec HTTP/1.1\r\nHost: kubernetes\r\n"+
		"Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n")
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(response, err)
	}
	fmt.Fprintln(connection, "hello")
	if line, err := reader.ReadString('\n'); err != nil || line != "echo hello\n" {
		t.Error(line, err)
	}
}

func TestAServerThatIsAwayIsNoAnswer(t *testing.T) {
	p := newPlace(t)
	gone := newProxy("127.0.0.1:1", p.issuer.pool(), p.issuer.issue(t, "front-proxy-client"))
	front := httptest.NewServer(gone)
	defer front.Close()
	if response, err := http.Get(front.URL + "/api/v1/pods"); err == nil {
		t.Error(response.Status)
	}
}

func TestTokensNameTheirUser(t *testing.T) {
	r := httptest.NewRequest("GET", "/api/v1/pods", nil)
	if user := userOf(r, nil); user != "system:anonymous" {
		t.Error(user)
	}
	// {"sub":"system:serviceaccount:shop:web"}
	r.Header.Set("Authorization", "Bearer e30.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6c2hvcDp3ZWIifQ.c2ln")
	if user := userOf(r, nil); user != "system:serviceaccount:shop:web" {
		t.Error(user)
	}
	r.Header.Set("Authorization", "Bearer abcdef.0123456789abcdef")
	if user := userOf(r, nil); user != "" {
		t.Error(user)
	}
	r.Header.Set("Impersonate-User", "jane")
	if user := userOf(r, &identity{user: "admin"}); user != "jane" {
		t.Error(user)
	}
}

// issuer is a certificate authority.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) issuer {
	key, template := newKey(t), newTemplate("kubernetes")
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{certificate, key}
}

func (i issuer) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.certificate)
	return pool
}

func (i issuer) issue(t *testing.T, name string, groups ...string) tls.Certificate {
	key, template := newKey(t), newTemplate(name)
	template.Subject.Organization = groups
	template.DNSNames = []string{"kubernetes"}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, i.certificate, &key.PublicKey, i.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
}
