package servicetest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const envBorrows = "TIDEMILL_SERVICETEST_BORROWS"

// A process that a test starts gets the same cluster and can do everything with it but end it.
func TestChildUsesTheSameCluster(t *testing.T) {
	c := Kafka(t, KafkaOptions{})
	addresses := strings.Join(c.Addresses(), ",")
	if parents := os.Getenv(envBorrows); parents != "" {
		if addresses != parents {
			t.Errorf("the child's cluster is at %s, the parent's at %s", addresses, parents)
		}
		c.Topic(t, "lent", 1)
		produce(t, c, "lent", 0, 10)
		keysOf(t, c, "lent", 10)
		if err := c.group.end(9, nil); err == nil || !strings.Contains(err.Error(), "belongs to the process that started this one") {
			t.Errorf("the child may end it: %v", err)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), envBorrows+"="+addresses)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("the child: %v\n%s", err, out)
	}
	keysOf(t, c, "lent", 10)
}

func TestLoan(t *testing.T) {
	name := "servicetest " + t.Name()
	t.Setenv(loanVariable(name), "") // to have it restored
	os.Unsetenv(loanVariable(name))
	if _, ok, err := borrow(name); ok || err != nil {
		t.Errorf("nothing was lent: %v, %v", ok, err)
	}
	want := loan{Folder: "f", Prefix: "127.77.1", Ports: []int{1, 2}, User: "u", Password: "p", Path: classPath{Java: "j", Jars: "k"}}
	if err := lend(name, want); err != nil {
		t.Fatal(err)
	}
	got, ok, err := borrow(name)
	if !ok || err != nil || !slices.Equal(got.Ports, want.Ports) || got.Folder != want.Folder || got.Password != want.Password || got.Path != want.Path {
		t.Errorf("got %+v, %v, %v", got, ok, err)
	}
	if loanVariable(name) == loanVariable(name+"x") {
		t.Error("two clusters have the same variable")
	}
}
