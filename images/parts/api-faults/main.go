// Command api-faults stands before a cluster's API server and delays, refuses or drops requests.
//
// It serves with the API server's own certificate, checks clients' certificates as the API server
// does, and passes on whom they identify by request headers, which the API server accepts from the
// front proxy's certificate. Rules are files of a folder, read at the start and at SIGHUP.
//
// Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// version is set by the linker: a hash of the sources.
var version = "unknown"

func main() {
	log.SetFlags(0)
	listen := flag.String("listen", ":26443", "address to serve at")
	server := flag.String("server", "https://127.0.0.1:6443", "the API server")
	pki := flag.String("pki", "/etc/kubernetes/pki", "folder of the control plane's certificates")
	rules := flag.String("rules", "/run/kindrs/api-faults", "folder of the rules")
	tellVersion := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *tellVersion {
		fmt.Println(version)
		return
	}
	if err := serve(*listen, *server, *pki, *rules); err != nil {
		log.Fatal(err)
	}
}

func serve(listen, server, pki, folder string) error {
	address, err := parseAddress(server)
	if err != nil {
		return err
	}
	pair := func(name string) (tls.Certificate, error) {
		path := filepath.Join(pki, name)
		return tls.LoadX509KeyPair(path+".crt", path+".key")
	}
	certificate, err := pair("apiserver")
	if err != nil {
		return err
	}
	voucher, err := pair("front-proxy-client")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(pki, "ca.crt"))
	if err != nil {
		return err
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s/ca.crt holds no certificate", pki)
	}

	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	proxy := newProxy(address, authority, voucher)
	rules, err := readRules(folder)
	if err != nil {
		return err
	}
	proxy.use(rules)
	go func() {
		for range hangups {
			rules, err := readRules(folder)
			if err != nil {
				log.Print(err)
				continue
			}
			proxy.use(rules)
			log.Printf("%d rules", len(rules))
		}
	}()

	listener, err := net.Listen("tcp4", listen)
	if err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	return serverOf(proxy, certificate).ServeTLS(listener, "", "")
}

// ready tells systemd that connections are taken.
func ready() error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	socket, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer socket.Close()
	_, err = socket.Write([]byte("READY=1"))
	return err
}
