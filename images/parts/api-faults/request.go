package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is what the API server understands a request to ask for.
//
// Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
type request struct {
	// User that asks, or that it is to be taken for.
	User string
	// UserAgent names the program that asks.
	UserAgent string
	// IsResource tells whether it is about objects, and not about paths as /livez.
	IsResource bool
	Path       string
	Verb       string
	Group      string
	Resource   string
	// Subresource as `status`; empty for the object itself.
	Subresource string
	Namespace   string
	// Name of the object; empty for lists, and for objects that are to be created.
	Name string
}

// understand classifies a request. The user is not part of what a path says.
func understand(r *http.Request) request {
	asked := request{
		UserAgent: r.UserAgent(),
		Path:      r.URL.Path,
		Verb:      strings.ToLower(r.Method),
	}
	parts := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		asked.Group = parts[1]
		parts = parts[3:]
	default:
		return asked
	}
	asked.IsResource = true
	asked.Verb = verbOf(r.Method)

	// What came before the parameter `watch` is still served.
	isOldWatch := parts[0] == "watch" && len(parts) > 1
	isProxy := parts[0] == "proxy" && len(parts) > 1
	if isOldWatch || isProxy {
		asked.Verb = parts[0]
		parts = parts[1:]
	}
	if parts[0] == "namespaces" && len(parts) > 1 {
		asked.Namespace = parts[1]
		// A namespace is an object itself, with subresources of its own.
		if len(parts) > 2 && parts[2] != "status" && parts[2] != "finalize" {
			parts = parts[2:]
		}
	}
	asked.Resource = parts[0]
	if len(parts) > 1 {
		asked.Name = parts[1]
	}
	if len(parts) > 2 && !isProxy && !isOldWatch {
		asked.Subresource = parts[2]
	}
	if asked.Name == "" {
		asked.Name = asked.asCollection(r.URL.Query())
	}
	return asked
}

// asCollection corrects the verb of a request that names no object in its path, and returns the
// one object that its selector means.
func (asked *request) asCollection(query url.Values) string {
	switch asked.Verb {
	case "get":
		asked.Verb = "list"
		if values, found := query["watch"]; found && !isFalse(values[0]) {
			asked.Verb = "watch"
		}
	case "delete":
		asked.Verb = "deletecollection"
	}
	if asked.Verb != "list" && asked.Verb != "watch" {
		return ""
	}
	for term := range strings.SplitSeq(query.Get("fieldSelector"), ",") {
		for _, is := range []string{"metadata.name==", "metadata.name="} {
			if name, found := strings.CutPrefix(term, is); found {
				return name
			}
		}
	}
	return ""
}

func verbOf(method string) string {
	switch method {
	case http.MethodPost:
		return "create"
	case http.MethodGet, http.MethodHead:
		return "get"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	return strings.ToLower(method)
}

func isFalse(text string) bool {
	return text == "0" || strings.EqualFold(text, "false")
}

// isProbe tells whether kubelet asks for the API server's own health.
func (asked request) isProbe() bool {
	return strings.HasPrefix(asked.UserAgent, "kube-probe/") &&
		slices.Contains([]string{"/livez", "/readyz", "/healthz"}, asked.Path)
}
