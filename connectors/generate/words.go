package generate

// Words says which lines of words to make. The zero value is that of the URL generate://words, but for the seed.
type Words struct {
	Seed       uint64
	Vocabulary int     // how many words there are; 0 means 10,000
	Skew       float64 // Zipf exponent of their frequencies; 0 means 1.1
}

// WordStream makes lines of words. It is immutable and safe for concurrent use.
type WordStream struct {
	key   uint64
	words []string
	rank  *zipf
}

// NewWordStream prepares the vocabulary.
func NewWordStream(w Words) *WordStream {
	s := &WordStream{key: mix(w.Seed ^ ofRank), words: make([]string, or(w.Vocabulary, 10_000))}
	for i := range s.words {
		s.words[i] = word(i)
	}
	s.rank = newZipf(len(s.words), or(w.Skew, 1.1))
	return s
}

// word is the i-th word of a language of open syllables; frequent ones are short, as in any other.
func word(i int) string {
	const consonants, vowels = "tnsrhldcmfpgwbvkzxjq", "eaoiu"
	var out []byte
	for i++; i > 0; i = (i - 1) / 100 {
		syllable := (i - 1) % 100
		out = append(out, consonants[syllable/5], vowels[syllable%5])
	}
	return string(out)
}

// lineBytes is where a line ends: with the first word that reaches this length. The mean line is then near 99 bytes.
const lineBytes = 98

// AppendLine appends line n ≥ 0, without a newline.
func (s *WordStream) AppendLine(dst []byte, n int64) []byte {
	from, h := len(dst), draw(s.key, n)
	for i := uint64(1); len(dst)-from < lineBytes; i++ {
		if len(dst) > from {
			dst = append(dst, ' ')
		}
		dst = append(dst, s.words[s.rank.pick(mix(h+i*golden))]...)
	}
	return dst
}
