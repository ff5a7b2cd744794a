package socket

import "github.com/tidemill/tidemill/dstream"

const headBytes = dstream.FrameHead

// overlong marks the beginning of a line that is too long.
const overlong = 1 << 31

// maxPayload bounds the payload of a frame: what is received at once, and a whole line.
const maxPayload = maxLine + readBytes

func appendFrame(dst, payload []byte, flag uint32) []byte {
	return dstream.AppendFrame(dst, payload, flag == overlong)
}

// frame is one that was read: whole lines, or the beginning of one that is too long.
type frame struct {
	payload []byte // part of the buffer
	long    bool   // the beginning of a line that is too long
}

// cutFrame takes the first frame of b.
func cutFrame(b []byte) (f frame, rest []byte, err error) {
	r, rest, err := dstream.CutFrame(b)
	if err == nil && len(r.Payload) == 0 {
		return f, b, dstream.ErrTorn
	}
	return frame{r.Payload, r.Cut}, rest, err
}
