package format

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unescape appends what the escape sequence stands for whose backslash is before s[i], and returns where it ends. Half a
// surrogate pair becomes U+FFFD, as in encoding/json.
func unescape(out, s []byte, i int) ([]byte, int) {
	switch c := s[i]; c {
	case 'b':
		return append(out, '\b'), i + 1
	case 'f':
		return append(out, '\f'), i + 1
	case 'n':
		return append(out, '\n'), i + 1
	case 'r':
		return append(out, '\r'), i + 1
	case 't':
		return append(out, '\t'), i + 1
	case 'u':
		r := unit16(s[i+1:])
		i += 5
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if i+6 <= len(s) && s[i] == '\\' && s[i+1] == 'u' {
				pair = utf16.DecodeRune(r, unit16(s[i+2:]))
			}
			if r = pair; pair != utf8.RuneError {
				i += 6
			}
		}
		return utf8.AppendRune(out, r), i
	default: // " \ /
		return append(out, c), i + 1
	}
}

// unit16 is the four hexadecimal digits that s begins with.
func unit16(s []byte) rune {
	r := 0
	for _, c := range s[:4] {
		r = r<<4 | hexOf(c)
	}
	return rune(r)
}

// hexOf is the value of a hexadecimal digit, -1 for what is none.
func hexOf(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
