package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// identity is whom a client's certificate makes it.
type identity struct {
	user       string
	groups     []string
	credential string
}

// headerPrefix starts every header that tells an identity. The API server believes them, so what
// clients send of them never gets through.
const headerPrefix = "X-Remote-"

// identify reads who a client is from its certificate; nil without one.
func identify(r *http.Request, authority *x509.CertPool) (*identity, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, nil
	}
	certificate := r.TLS.PeerCertificates[0]
	between := x509.NewCertPool()
	for _, other := range r.TLS.PeerCertificates[1:] {
		between.AddCert(other)
	}
	_, err := certificate.Verify(x509.VerifyOptions{
		Roots:         authority,
		Intermediates: between,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, err
	}
	if certificate.Subject.CommonName == "" {
		return nil, errors.New("the certificate names no user")
	}
	return &identity{
		user:       certificate.Subject.CommonName,
		groups:     certificate.Subject.Organization,
		credential: fmt.Sprintf("X509SHA256=%x", sha256.Sum256(certificate.Raw)),
	}, nil
}

// tell writes an identity into a request's headers, in place of all that is there.
func tell(header http.Header, who *identity) {
	for name := range header {
		if len(name) >= len(headerPrefix) && strings.EqualFold(name[:len(headerPrefix)], headerPrefix) {
			delete(header, name)
		}
	}
	if who == nil {
		return
	}
	header.Set("X-Remote-User", who.user)
	for _, group := range who.groups {
		header.Add("X-Remote-Group", group)
	}
	header.Set("X-Remote-Extra-Authentication.kubernetes.io%2fcredential-Id", who.credential)
}

// userOf is the name that rules know a client by. What a token says is for the API server to
// verify: here it only chooses a rule.
func userOf(r *http.Request, who *identity) string {
	if as := r.Header.Get("Impersonate-User"); as != "" {
		return as
	}
	if who != nil {
		return who.user
	}
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		return "system:anonymous"
	}
	pieces := strings.Split(token, ".")
	if len(pieces) != 3 {
		return ""
	}
	claims, err := base64.RawURLEncoding.DecodeString(pieces[1])
	if err != nil {
		return ""
	}
	var said struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(claims, &said) != nil {
		return ""
	}
	return said.Subject
}
