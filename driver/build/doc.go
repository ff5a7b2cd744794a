// Package build turns a user's job into a binary: `job.go`, several .go files, or a package, in any folder.
//
//	bin, err := build.Job(ctx, []string{"job.go"}, build.Options{})
//	cmd := exec.Command(bin.Path)
//
// Where the job lies decides how it is built:
//
//   - outside any module: in a module of three lines in the cache, joined with the engine by a go.work. An overlay puts
//     the user's files there, so nothing is copied and the compiler names the real ones;
//   - in a module that requires the engine: there, as it is;
//   - in another module of the user's: there, joined with the engine by a go.work in the cache;
//   - in the engine's own module: there.
//
// Nothing is ever written into the user's folder. The overlay adds one file that links every connector, unless the job
// imports connectors itself.
//
// Contract: what the user did wrong is told with the file and line as the user typed the path, and without a path of
// the engine, the cache or the toolchain. The binary is named by its content and is not changed after it is there.
// Every build uses one set of flags ([Flags]), because others would compile the engine anew.
//
// It does not run, vet or test the job, and does not download a user's dependencies that are not required yet.
package build
