package dstream

import "testing"

func TestParseURL(t *testing.T) {
	for _, c := range []struct{ raw, host, path, user string }{
		{"kafka://b1:9092,b2:9093/ads?x=1", "b1:9092,b2:9093", "/ads", ""},
		{"kafka://u:p%40w@b1:9092,b2:9092", "b1:9092,b2:9092", "", "u"},
		{"kafka://b1,b2/ads", "b1,b2", "/ads", ""},
		{"kafka://b1:9092/ads,clicks", "b1:9092", "/ads,clicks", ""},
		{"files:///a,b", "", "/a,b", ""},
		{"sqlite:a,b.db", "", "", ""},
	} {
		u, err := ParseURL(c.raw)
		if err != nil || u.Host != c.host || u.Path != c.path || u.User.Username() != c.user {
			t.Errorf("%s: got %+v, %v", c.raw, u, err)
		}
	}
	for _, bad := range []string{"kafka://b1:9092,b2:9092/%zz", "%"} {
		if _, err := ParseURL(bad); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}
