package param

import "testing"

func TestHint(t *testing.T) {
	known := []string{"clicks", "view", "orders", "order"}
	for name, want := range map[string]string{
		"clicsk": "; did you mean clicks?", "CLICKS": "; did you mean clicks?", "views": "; did you mean view?",
		"ordes": "; did you mean orders or order?", "view": "", "x": "", "customers": "",
	} {
		if got := Hint(name, known); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got, want := Listing("fromat", []string{"format", "time"}, []string{"time", "tls"}), "format, time, tls; did you mean format?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
