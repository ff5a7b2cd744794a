package node

import "testing"

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		`connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:1: connect: connection refused"`:           "dial tcp 127.0.0.1:1: connect: connection refused",
		`connection error: desc = "transport: authentication handshake failed: certificate \"a\\b\" is of another CA"; and then`: `authentication handshake failed: certificate "a\b" is of another CA; and then`,
		`ex-1: connection error: desc = "error reading server preface: EOF"`:                                                     "ex-1: error reading server preface: EOF",
		`connection error: desc = "cut short`: `connection error: desc = "cut short`,
		`the job's own "words" stay`:          `the job's own "words" stay`,
	} {
		if got := Plain(in); got != want {
			t.Errorf("%s\n%s\n%s", in, got, want)
		}
	}
}
