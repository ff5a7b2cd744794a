package cqltype

import (
	"fmt"

	"github.com/tidemill/tidemill/rdd/codec"
)

// Default is the type of the column that is made for a field:
//
//	bool                    boolean
//	int8, int16, int32      tinyint, smallint, int
//	int, int64              bigint
//	uint8, uint16, uint32   smallint, int, bigint
//	uint, uint64            varint
//	float32, float64        float, double
//	string                  text
//	[]byte, [N]byte         blob; [16]byte uuid
//	time.Time               timestamp
//	time.Duration           bigint, in ns
//	[]T, [N]T               frozen<list<T>>
//	map[K]V                 frozen<map<K, V>>
//	struct                  frozen<tuple<…>>
//
// Collections are frozen, since a row is always written whole: a collection in cells of its own would leave a tombstone with every write.
func Default(f *codec.Field) (Type, error) {
	switch f.Kind {
	case codec.FixedBytes:
		if f.Size == 16 {
			return Type{ID: UUID}, nil
		}
		return Type{ID: Blob}, nil
	case codec.List, codec.Array:
		return frozen(List, f)
	case codec.Map:
		return frozen(Map, f)
	case codec.Struct:
		return frozen(Tuple, f)
	}
	if int(f.Kind) >= len(defaults) || defaults[f.Kind] == 0 {
		return Type{}, fmt.Errorf("no CQL type holds a %s", f.Type)
	}
	return Type{ID: defaults[f.Kind]}, nil
}

var defaults = [...]ID{
	codec.Bool: Boolean, codec.Int8: Tinyint, codec.Int16: Smallint, codec.Int32: Int, codec.Int64: Bigint,
	codec.Uint8: Smallint, codec.Uint16: Int, codec.Uint32: Bigint, codec.Uint64: Varint,
	codec.Float32: Float, codec.Float64: Double, codec.String: Text, codec.Bytes: Blob, codec.Time: Timestamp, codec.Duration: Bigint,
}

func frozen(id ID, f *codec.Field) (Type, error) {
	t := Type{ID: id, Frozen: id != Tuple}
	if len(f.Fields) == 0 {
		return t, fmt.Errorf("no CQL type holds a %s: it has no parts", f.Type)
	}
	for i := range f.Fields {
		of, err := Default(&f.Fields[i])
		if err != nil {
			return t, err
		}
		t.Of = append(t.Of, of)
	}
	return t, nil
}
