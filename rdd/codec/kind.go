package codec

// Kind says how a field travels: its family of Arrow column.
type Kind uint8

// The kinds, with the Go types they stand for and the Arrow type of their columns.
// Named types (type UserID string) count as what they are made of.
const (
	Invalid    Kind = iota
	Bool            // bool → bool
	Int8            // int8 → int8
	Int16           // int16 → int16
	Int32           // int32, rune → int32
	Int64           // int, int64 → int64
	Uint8           // uint8 → uint8
	Uint16          // uint16 → uint16
	Uint32          // uint32 → uint32
	Uint64          // uint, uint64 → uint64
	Float32         // float32 → float
	Float64         // float64 → double
	String          // string → utf8
	Bytes           // []byte → binary; nil and empty are one, read back as nil
	Time            // time.Time → timestamp[us, UTC]
	Duration        // time.Duration → duration[ns]
	FixedBytes      // [N]byte → fixed_size_binary[N]
	Struct          // struct → struct
	List            // []E → list<E>; nil and empty are one, read back as nil
	Array           // [N]E → fixed_size_list<E>[N]
	Map             // map[K]V → map<K, V>, keys ascending; nil and empty are one, read back as nil
)

var kindNames = [...]string{
	"invalid", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
	"float32", "float64", "string", "bytes", "time", "duration", "fixed bytes", "struct", "list", "array", "map",
}

// String returns the kind's name in lower case.
func (k Kind) String() string { return kindNames[k] }
