package receivers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/dstream"
)

// maxLogs bounds the logs that an executor keeps.
const maxLogs = 10_000

// Server is an executor's end: it keeps segments in a folder. It starts no goroutine and holds no file open between calls, so that there is
// nothing to close.
type Server struct {
	root *os.Root

	mu   sync.Mutex // guards logs
	logs map[string]*folder
}

// NewServer makes a server of what lies in a folder, which stays the caller's to close.
func NewServer(root *os.Root) *Server { return &Server{root: root, logs: map[string]*folder{}} }

// Register adds the service to a grpc server, whose table of methods has to have Roles in it.
func (s *Server) Register(g *grpc.Server) { g.RegisterService(&desc, s) }

// claimed returns the log's folder, locked, for a driver that has the log. It is made if need be.
func (s *Server) claimed(q request) (*folder, error) {
	path, err := q.Log.folder()
	if err != nil {
		return nil, err
	}
	if q.Epoch < 1 {
		return nil, fmt.Errorf("%w: epoch %d", ErrInvalid, q.Epoch)
	}
	s.mu.Lock()
	f := s.logs[path]
	if f == nil {
		if len(s.logs) >= maxLogs {
			s.mu.Unlock()
			return nil, fmt.Errorf("%w: this executor keeps %d logs of receivers", ErrRoom, maxLogs)
		}
		f = &folder{root: s.root, path: path, tails: map[Segment]tail{}}
		s.logs[path] = f
	}
	s.mu.Unlock()
	f.mu.Lock()
	if err := f.claim(claim{q.Log.Incarnation, q.Epoch}); err != nil {
		f.mu.Unlock()
		return nil, err
	}
	return f, nil
}

func (s *Server) list(q request, _ []byte) (any, error) {
	f, err := s.claimed(q)
	if err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	out, err := f.list()
	return listing{out}, err
}

func (s *Server) append(q request, frames []byte) (any, error) {
	n, err := payloadOf(frames)
	if err != nil {
		return nil, err
	}
	f, err := s.claimed(q)
	if err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return nothing{}, f.append(q, frames, n)
}

// payloadOf checks frames that have travelled, none if a segment is only to begin, and returns how many bytes of payload they have.
func payloadOf(frames []byte) (n int64, err error) {
	for len(frames) > 0 {
		r, rest, err := dstream.CutFrame(frames)
		if err == nil && len(r.Payload) == 0 {
			err = errors.New("an empty record")
		}
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		n, frames = n+int64(len(r.Payload)), rest
	}
	return n, nil
}

func (s *Server) seal(q request, _ []byte) (any, error) {
	f, err := s.claimed(q)
	if err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return nothing{}, f.seal(q.Segment, q.To)
}

func (s *Server) remove(q request, _ []byte) (any, error) {
	f, err := s.claimed(q)
	if err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	var errs []error
	for _, g := range q.Segments {
		delete(f.tails, g)
		if err := s.root.Remove(f.file(g)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return nothing{}, errors.Join(errs...)
}

// read gives frames to send, some at a time: those with places From … To−1 in them. It waits for nobody: what a split names is there, and
// is never written again.
func (s *Server) read(q request, send func(at int64, frames []byte) error) error {
	path, err := q.Log.folder()
	if err != nil {
		return err
	}
	f, err := s.root.Open(path + "/" + q.Segment.file(q.Log.Incarnation))
	if err != nil {
		return fmt.Errorf("segment %v of %s: %w: %w", q.Segment, path, ErrGone, err)
	}
	defer f.Close()
	w := &walk{}
	if err := w.begin(f); err != nil {
		return fmt.Errorf("segment %v of %s: %w: %w", q.Segment, path, ErrGone, err)
	}
	var out []byte
	first := int64(0) // place of the first record in out
	for w.at < q.To {
		r, err := w.next()
		if err != nil || len(r.Payload) == 0 {
			return fmt.Errorf("segment %v of %s: %w: it ends at byte %d and not at %d", q.Segment, path, ErrGone, w.at, q.To)
		}
		if _, ok := r.Part(q.From, q.To); !ok {
			continue
		}
		if len(out) == 0 {
			first = r.At
		}
		out = append(out, w.frame...)
		if len(out) >= answerBytes || w.at >= q.To {
			if err := send(first, out); err != nil {
				return err
			}
			out = nil // the transport may hold it still
		}
	}
	return nil
}
