package codec

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew instead of comparing with it")

// TestSchemas compares the columns of all row types with testdata/schemas.txt.
func TestSchemas(t *testing.T) {
	const file = "testdata/schemas.txt"
	var b strings.Builder
	for _, s := range shapes() {
		c := s.codec(t)
		fmt.Fprintf(&b, "%s flat=%v scalar=%v\n", s.t, c.Flat, c.Scalar)
		describe(&b, "  ", c.Fields)
		for _, f := range c.Schema().Fields() {
			fmt.Fprintf(&b, "  → %s: %s%s\n", f.Name, f.Type, map[bool]string{true: " null"}[f.Nullable])
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(b.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Fatalf("line %d differs:\ngot  %s\nwant %s\n(go test -rewrite if that is right)", i+1, got[min(i, len(got)-1)], line)
		}
	}
	if string(want) != b.String() {
		t.Fatal("more schemas than in", file)
	}
}

func describe(b *strings.Builder, indent string, fields []Field) {
	for _, f := range fields {
		fmt.Fprintf(b, "%s%s %s %s at %d size %d", indent, f.Name, f.Kind, f.Type, f.Offset, f.Size)
		for word, set := range map[string]bool{" partition": f.Partition, " key": f.Key, " nullable": f.Nullable} {
			if set {
				b.WriteString(word)
			}
		}
		b.WriteString("\n")
		describe(b, indent+"  ", f.Fields)
	}
}

type (
	loop     struct{ Next *loop }
	viaSlice struct{ Kids []viaSlice }
	viaMap   struct{ M map[string]viaMap }
	session  struct{ Editor struct{ x int } }
	//lint:ignore U1000 nobody can read it, which is the point
	private struct{ a int }
	// Twice has a field that its embedded struct has as well.
	Twice struct {
		Deeper
		Level int
	}
)

// TestErrors has every reason for which a type cannot be a row.
func TestErrors(t *testing.T) {
	type T = reflect.Type
	of := func(v any) T { return reflect.TypeOf(v) }
	for _, c := range []struct {
		t    T
		want []string
	}{
		{of(&inner{}), []string{"pointers (*codec.inner)", "rows of type codec.inner"}},
		{of(session{}), []string{"session.Editor.x:", "unexported", "lost", `col:"-"`}},
		{of(private{}), []string{"private.a:", "unexported"}},
		{of(struct{ C chan int }{}), []string{".C: ", "chan int"}},
		{of(struct{ F func() }{}), []string{".F: ", "func()"}},
		{of(struct{ A any }{}), []string{".A: ", "interface {}", "concrete type"}},
		{of(struct{ E []error }{}), []string{".E[]: ", "error", "concrete type"}},
		{of(struct{ Z complex128 }{}), []string{".Z: ", "complex128", "two float64"}},
		{of(struct{ P uintptr }{}), []string{".P: ", "uintptr", "uint64"}},
		{of(struct{ P unsafe.Pointer }{}), []string{".P: ", "unsafe.Pointer"}},
		{of(struct{ P **int }{}), []string{".P: ", "pointer to a pointer"}},
		{of(struct{ L []**int }{}), []string{".L[]: ", "pointer to a pointer"}},
		{of(loop{}), []string{"loop.Next: ", "contains itself"}},
		{of(viaSlice{}), []string{"viaSlice.Kids[]: ", "contains itself"}},
		{of(viaMap{}), []string{"viaMap.M[]: ", "contains itself"}},
		{of(struct {
			A int `col:"x"`
			B int `col:"x"`
		}{}), []string{".B: ", `"x"`, "second column"}},
		{of(Twice{}), []string{"Twice.Level: ", `"Level"`, "second column"}},
		{of(struct {
			A int `col:"x,primary"`
		}{}), []string{".A: ", `"primary"`, "partition and key"}},
		{of(struct {
			A int `col:"x,"`
		}{}), []string{".A: ", `unknown option ""`}},
		{of(struct {
			A int `col:",key"`
		}{}), []string{".A: ", "no name", `col:"A,key"`}},
		{of(struct {
			A int `col:""`
		}{}), []string{".A: ", "no name"}},
		{of(struct {
			A int `col:"a,key,partition"`
		}{}), []string{".A: ", "both"}},
		{of(struct {
			A *int `col:"a,key"`
		}{}), []string{".A: ", "never null"}},
		{of(struct {
			N struct {
				A int `col:"a,key"`
			}
		}{}), []string{".N.A: ", "row itself"}},
		{of(struct{ *inner }{}), []string{".inner: ", "embedded pointer"}},
		{of(struct{ userID }{}), []string{".userID: ", "unexported"}},
		{of(struct{ M map[float64]int }{}), []string{".M: ", "keys of a map", "float64"}},
		{of(struct{ M map[inner2]int }{}), []string{".M: ", "keys of a map"}},
		{of(struct{ M map[string]func() }{}), []string{".M[]: ", "func()"}},
		{of(struct{ A [0]int }{}), []string{".A: ", "array of 0"}},
		{of(struct{ P *struct{} }{}), []string{".P: ", "use a bool"}},
		{of(struct {
			N struct {
				A int `col:"-"`
			}
		}{}), []string{".N: ", `col:"-"`}},
		{of(struct {
			A int `col:"-"`
		}{}), []string{"no field of", "lost"}},
		{reflect.TypeFor[any](), []string{"interface {}", "concrete type"}},
		{reflect.TypeFor[chan int](), []string{"chan int"}},
		{reflect.TypeFor[sync.Mutex](), []string{"Mutex", "unexported"}},
	} {
		_, err := For(c.t)
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v, want %q in it", c.t, err, part)
			}
		}
		if _, again := For(c.t); again == nil {
			t.Errorf("%s: no error the second time", c.t)
		}
	}
}

type inner2 struct{ A, B int }

// TestDerivedOnce derives from many goroutines at once; run with -race.
func TestDerivedOnce(t *testing.T) {
	type fresh struct {
		A string
		B []time.Time
	}
	var all [8]*Codec
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			c, err := Of[fresh]()
			if err != nil {
				t.Error(err)
				return
			}
			all[i] = c
			rec, err := Encode(c, []fresh{{A: "a", B: make([]time.Time, i)}})
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := Decode[fresh](c, rec); err != nil || len(got[0].B) != i {
				t.Error(got, err)
			}
		})
	}
	wg.Wait()
	for _, c := range all {
		if c != all[0] {
			t.Fatal("two codecs for one type")
		}
	}
}
