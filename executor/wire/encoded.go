package wire

import "errors"

// Encoded is a message that was encoded once, for all workers that it goes to. It counts as the Message in it.
type Encoded struct {
	Message Message
	body    []byte
}

func (Encoded) message() {}

// Encode encodes a message that goes to many workers, such as Begin, so that sending it is a copy.
func Encode(m Message) (Encoded, error) {
	if e, ok := m.(Encoded); ok {
		return e, nil
	}
	body, err := appendMessage(nil, m)
	return Encoded{m, body}, err
}

// Unwrap returns the message itself: m, or what was encoded in it.
func Unwrap(m Message) Message {
	if e, ok := m.(Encoded); ok {
		return e.Message
	}
	return m
}

var errNoPlan = errors.New("a Begin without a plan")
