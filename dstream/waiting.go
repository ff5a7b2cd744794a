package dstream

import "context"

type waitingKey struct{}

// Waiting tells whoever watches the job what an operation of a connector waits for: "kafka 10.0.0.7:9092: connection refused". Connectors
// call it with the context that they were given, when they have failed and are about to try again, and call done once they go on:
// the job shows it, and its log says it once. Without a watcher it does nothing. It is safe for concurrent use.
func Waiting(ctx context.Context, what string) (done func()) {
	if watch, ok := ctx.Value(waitingKey{}).(func(string) func()); ok {
		return watch(what)
	}
	return func() {}
}

// WatchWaiting returns a context whose operations tell watch what they wait for. watch returns a function that ends the wait.
func WatchWaiting(ctx context.Context, watch func(what string) (done func())) context.Context {
	return context.WithValue(ctx, waitingKey{}, watch)
}
