package rivals

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/benchmarks/kafka"
	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/benchmarks/ysb"
)

//go:embed java
var sources embed.FS

// rival is another engine: a Java program, and what it runs on.
type rival struct {
	name    string
	class   string   // of its main program in the folder java
	pieces  []piece  // to be fetched
	jars    []string // of the pieces, as patterns of paths within them
	options []string // of the JVM; {dir} stands for the work folder
	args    func(o Options) []string
}

func open(packages ...string) (out []string) {
	for _, p := range packages {
		out = append(out, "--add-opens=java.base/"+p+"=ALL-UNNAMED")
	}
	return out
}

var rivals = []rival{spark, flink}

// The options are those of Spark's own launcher for Java 17.
var spark = rival{
	name: "Spark 4.2", class: "YsbSpark",
	pieces: []piece{
		{"pyspark-4.2.0", "490 MB", pip("pyspark==4.2.0")},
		{"spark-kafka-4.2.0", "10 MB", maven("spark.pom.xml", "spark-sql-kafka-0-10_2.13", "spark-token-provider-kafka-0-10_2.13", "kafka-clients", "commons-pool2")},
	},
	jars: []string{"pyspark/jars/*", "*"},
	options: slices.Concat([]string{
		"-Xmx3g", "-XX:+UseParallelGC", "-XX:+IgnoreUnrecognizedVMOptions", "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
		"-Djdk.reflect.useDirectMethodHandle=false", "-Dio.netty.tryReflectionSetAccessible=true",
		"-Dlog4j2.configurationFile=file:{dir}/log4j2.properties", "-Dspark.local.dir={dir}",
	}, open("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util", "java.util.concurrent",
		"java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar")),
	args: func(o Options) []string {
		return []string{"--batch", strconv.Itoa(o.SparkBatch), "--warm", strconv.Itoa(o.SparkWarm)}
	},
}

var flink = rival{
	name: "Flink 2.2", class: "YsbFlink",
	pieces:  []piece{{"flink-2.2.1", "85 MB", maven("flink.pom.xml")}},
	jars:    []string{"*"},
	options: slices.Concat([]string{"-Xmx2g", "-XX:+UseG1GC", "--add-exports=java.base/sun.net.util=ALL-UNNAMED"}, open("java.util", "java.lang", "java.time", "java.net", "java.nio")),
	args:    func(Options) []string { return nil },
}

// built is a rival that is ready to run.
type built struct {
	rival
	o     Options
	java  string
	path  string // the class path
	dir   string // the work folder
	topic *kafka.Topic
}

// build fetches and compiles a rival. The error wraps errMissing if this machine lacks what that needs.
func (r rival) build(ctx context.Context, w io.Writer, o Options, t *kafka.Topic, dir string) (*built, error) {
	java, err := program("java", "-version")
	if err != nil {
		return nil, err
	}
	javac, err := program("javac", "-version")
	if err != nil {
		return nil, err
	}
	var path []string
	for i, p := range r.pieces {
		at, err := p.get(ctx, w)
		if err != nil {
			return nil, err
		}
		path = append(path, filepath.Join(at, r.jars[i]))
	}
	dir = filepath.Join(dir, r.class)
	if err := os.CopyFS(dir, sources); err != nil {
		return nil, err
	}
	b := &built{rival: r, o: o, java: java, path: strings.Join(append(path, dir), string(os.PathListSeparator)), dir: dir, topic: t}
	from := filepath.Join(dir, "java")
	if err := os.Rename(filepath.Join(from, "log4j2.properties"), filepath.Join(dir, "log4j2.properties")); err != nil {
		return nil, err
	}
	if err := run(exec.CommandContext(ctx, javac, "-nowarn", "-cp", b.path, "-d", dir, filepath.Join(from, "Ysb.java"), filepath.Join(from, r.class+".java"))); err != nil {
		return nil, err
	}
	return b, b.writeCampaigns()
}

func (b *built) campaigns() string { return filepath.Join(b.dir, "campaigns.tsv") }
func (b *built) result() string    { return filepath.Join(b.dir, "views.tsv") }

func (b *built) writeCampaigns() error {
	var text bytes.Buffer
	for _, c := range b.topic.Campaigns {
		fmt.Fprintf(&text, "%s\t%s\n", c.Ad, c.ID)
	}
	return os.WriteFile(b.campaigns(), text.Bytes(), 0o644)
}

// run runs the rival once over the whole topic, in a JVM of its own, and checks its result.
func (b *built) run(ctx context.Context) (measure.Cost, error) {
	if err := os.RemoveAll(b.result()); err != nil {
		return measure.Cost{}, err
	}
	tmp, err := os.MkdirTemp(b.dir, "tmp-") // checkpoints and state are left behind there
	if err != nil {
		return measure.Cost{}, err
	}
	defer os.RemoveAll(tmp)
	args := []string{"-Djava.io.tmpdir=" + tmp}
	for _, o := range b.options {
		args = append(args, strings.ReplaceAll(o, "{dir}", b.dir))
	}
	args = append(args, "-cp", b.path, b.class, "--brokers", strings.Join(b.topic.Brokers, ","), "--topic", b.topic.Name, "--campaigns", b.campaigns(), "--result", b.result())
	c := exec.CommandContext(ctx, b.java, append(args, b.args(b.o)...)...)
	c.Env = append(os.Environ(), "SPARK_LOCAL_IP=127.0.0.1", "SPARK_LOCAL_HOSTNAME=localhost") // else it listens at the machine's outer address
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		return measure.Cost{}, fmt.Errorf("%s: %w\n%s", b.class, err, tail(append(out.Bytes(), said.Bytes()...)))
	}
	o, err := parseOutcome(out.String())
	if err != nil {
		return measure.Cost{}, fmt.Errorf("%s: %w; it said:\n%s", b.class, err, tail(append(out.Bytes(), said.Bytes()...)))
	}
	views, err := readViews(b.result())
	if err == nil {
		err = ysb.Check(b.topic.Want, views)
	}
	if err != nil {
		return measure.Cost{}, err
	}
	return o.cost(int64(b.topic.Events))
}
