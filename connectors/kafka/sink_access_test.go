package kafka

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestMissingRights takes one right after the other from a user: each error names what is missing, and none is retried.
func TestMissingRights(t *testing.T) {
	literal := kmsg.ACLResourcePatternTypeLiteral
	rights := []struct {
		acl  kfake.ACL
		want string
	}{
		{kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "out", Pattern: literal, Operation: kmsg.ACLOperationWrite, Allow: true}, "Write, Describe"},
		{kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "out", Pattern: literal, Operation: kmsg.ACLOperationRead, Allow: true}, "Read on the topic"},
		{kfake.ACL{Resource: kmsg.ACLResourceTypeTransactionalId, Name: "job/", Pattern: kmsg.ACLResourcePatternTypePrefixed, Operation: kmsg.ACLOperationWrite, Allow: true}, `transactional id "job/sink/0"`},
		{kfake.ACL{Resource: kmsg.ACLResourceTypeGroup, Name: "job/", Pattern: kmsg.ACLResourcePatternTypePrefixed, Operation: kmsg.ACLOperationRead, Allow: true}, `"job/sink/0"`},
	}
	for without := -1; without < len(rights); without++ {
		var acls []kfake.ACL
		for i, r := range rights {
			if i != without {
				acls = append(acls, r.acl)
			}
		}
		c := fakeKafka(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "root", "root"), kfake.User("PLAIN", "ann", "s3cret", acls...))
		s := sinkFor[string](t, []string{"ann:s3cret@" + c.ListenAddrs()[0]}, "out")
		_, err := s.Write(t.Context(), batchOf(1, 1), rowsOf("a"))
		if without < 0 {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		permanent(t, err, rights[without].want)
		if err != nil && (strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "grant")) {
			t.Errorf("got %v", err)
		}
	}
}
