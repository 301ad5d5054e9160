package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func ruleOf(t *testing.T, text string) rule {
	t.Helper()
	read, err := parseRule("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestARuleMatchesWhatAllOfItFits(t *testing.T) {
	asked := request{
		User: "system:node:dev-worker", UserAgent: "kubelet/v1.37.2 (linux/amd64) kubernetes/1234567",
		IsResource: true, Verb: "update", Group: "coordination.k8s.io", Resource: "leases",
		Namespace: "kube-node-lease", Name: "dev-worker",
	}
	for text, want := range map[string]bool{
		`{}`:                                                                 true,
		`{"userAgent": "kubelet/*"}`:                                         true,
		`{"userAgent": "kubelet"}`:                                           false,
		`{"userAgent": "kubelet/v1.3?.2 *"}`:                                 true,
		`{"user": "system:node:dev-worker"}`:                                 true,
		`{"user": "system:node:dev-worker2"}`:                                false,
		`{"user": "system:node:*"}`:                                          true,
		`{"verbs": ["create", "update"]}`:                                    true,
		`{"verbs": ["get"]}`:                                                 false,
		`{"resources": ["leases"]}`:                                          true,
		`{"resources": ["pods", "leases.coordination.k8s.io"]}`:              true,
		`{"resources": ["leases.other.io"]}`:                                 false,
		`{"resources": ["leases/status"]}`:                                   false,
		`{"namespace": "kube-node-lease", "object": "dev-worker"}`:           true,
		`{"namespace": "default"}`:                                           false,
		`{"object": "dev-worker2"}`:                                          false,
		`{"userAgent": "kubelet/*", "verbs": ["get"], "object": "no"}`:       false,
		`{"userAgent": "kubelet/v1.37.2 (linux/amd64) kubernetes/1234567"}`:  true,
		`{"userAgent": "kubelet/v1.37.2 (linux/amd64) kubernetes/12345678"}`: false,
	} {
		read := ruleOf(t, text)
		if read.matches(asked) != want {
			t.Errorf("%s: expected %v", text, want)
		}
	}
}

func TestPathsAreNoObjectsAndProbesAreLeftAlone(t *testing.T) {
	probe := request{UserAgent: "kube-probe/1.37", Path: "/livez", Verb: "get"}
	person := request{UserAgent: "kubectl/v1.37.2", Path: "/livez", Verb: "get"}
	for text, want := range map[string][2]bool{
		`{}`:                            {false, true},
		`{"verbs": ["get"]}`:            {false, true},
		`{"userAgent": "kube-probe/*"}`: {true, false},
		`{"resources": ["pods"]}`:       {false, false},
		`{"namespace": "default"}`:      {false, false},
	} {
		read := ruleOf(t, text)
		if got := [2]bool{read.matches(probe), read.matches(person)}; got != want {
			t.Errorf("%s: %v, expected %v", text, got, want)
		}
	}
}

func TestAShareOfTheRequestsIsHit(t *testing.T) {
	read := ruleOf(t, `{"percent": 50}`)
	hits := 0
	for range 1000 {
		if read.hits() {
			hits++
		}
	}
	if hits == 0 || hits == 1000 {
		t.Errorf("%d of 1000 hit", hits)
	}
	none := ruleOf(t, `{"percent": 0}`)
	all := ruleOf(t, `{}`)
	if none.hits() || !all.hits() {
		t.Error("0 and 100 percent leave nothing to chance")
	}
}

func TestRulesAreReadInOrderAndWholly(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("b.json", `{"error": 503}`)
	write("a.json", `{"drop": true}`)
	write(".c.json.new", `half`)
	rules, err := readRules(folder)
	if err != nil || len(rules) != 2 || rules[0].id != "a" || rules[1].Error != 503 {
		t.Fatalf("%v %v", rules, err)
	}
	write("c.json", `{"unknown": 1}`)
	if _, err := readRules(folder); err == nil || !strings.Contains(err.Error(), "c.json") {
		t.Errorf("a rule that is not understood is told: %v", err)
	}
}
