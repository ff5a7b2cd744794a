package codec

import (
	"fmt"
	"reflect"
	"strings"
)

// tag is what a field's col tag says.
type tag struct {
	name           string // "" without a tag
	out            bool   // col:"-"
	partition, key bool
}

func tagOf(f reflect.StructField) (tag, error) {
	text, ok := f.Tag.Lookup("col")
	if !ok {
		return tag{}, nil
	}
	name, options, _ := strings.Cut(text, ",")
	if text == "-" {
		return tag{out: true}, nil
	}
	if name == "" {
		return tag{}, fmt.Errorf("tag col:%q has no name: write col:%q", text, f.Name+text)
	}
	t := tag{name: name}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "partition":
			t.partition = true
		case "key":
			t.key = true
		default:
			if strings.Contains(text, ",") {
				return tag{}, fmt.Errorf("tag col:%q has the unknown option %q: there are partition and key", text, option)
			}
		}
	}
	if t.partition && t.key {
		return tag{}, fmt.Errorf("tag col:%q has both partition and key: the partition key is part of the primary key already", text)
	}
	return t, nil
}
