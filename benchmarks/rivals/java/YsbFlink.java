import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * The job in Flink, on a local cluster in this process: JSON of a topic -> views only -> campaign (a map) -> windows of 10 s -> count,
 * from the topic's beginning to what is its end at the start. State on the heap, a checkpoint each second, objects reused. JSON is
 * taken apart by looking for its members.
 *
 *   YsbFlink --brokers B --topic T --campaigns FILE --result FILE
 *
 * Prints "result all=… late=… events=… wall_ms=… cpu_ms=…". wall_ms is the job's net run time, in which the JVM compiles too.
 */
public final class YsbFlink {
  /** The table, the counts and what was read so far. The cluster runs in this process. */
  static Map<String, String> campaigns;
  static final Map<String, Long> CELLS = new ConcurrentHashMap<>();
  static final LongAdder EVENTS = new LongAdder();

  /** How late an event of a partition may be, as in our job. No partition counts as idle: all have events until they end. */
  static final Duration LATENESS = Duration.ofSeconds(5);

  /** JSON -> campaign and event time of views. Part of the source, so that each partition has event time of its own. */
  static final class Views implements DeserializationSchema<Tuple2<String, Long>> {
    @Override public void deserialize(byte[] value, Collector<Tuple2<String, Long>> out) {
      EVENTS.increment();
      String json = new String(value, StandardCharsets.UTF_8);
      if (!"view".equals(Ysb.text(json, "event_type"))) return;
      String campaign = campaigns.get(Ysb.text(json, "ad_id"));
      if (campaign != null) out.collect(Tuple2.of(campaign, Long.parseLong(Ysb.text(json, "event_time"))));
    }
    @Override public Tuple2<String, Long> deserialize(byte[] value) { throw new UnsupportedOperationException("it may be none"); }
    @Override public boolean isEndOfStream(Tuple2<String, Long> view) { return false; }
    @Override public TypeInformation<Tuple2<String, Long>> getProducedType() { return Types.TUPLE(Types.STRING, Types.LONG); }
  }

  static final class Count implements AggregateFunction<Tuple2<String, Long>, Long, Long> {
    @Override public Long createAccumulator() { return 0L; }
    @Override public Long add(Tuple2<String, Long> view, Long n) { return n + 1; }
    @Override public Long getResult(Long n) { return n; }
    @Override public Long merge(Long a, Long b) { return a + b; }
  }

  static final class Result extends ProcessWindowFunction<Long, Long, String, TimeWindow> {
    @Override public void process(String campaign, Context c, Iterable<Long> n, Collector<Long> out) {
      long views = n.iterator().next();
      CELLS.merge(Ysb.cell(campaign, c.window().getStart()), views, Long::sum);
      out.collect(views);
    }
  }

  public static void main(String[] args) throws Exception {
    campaigns = Ysb.campaigns(Ysb.arg(args, "campaigns"));
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(2, Configuration.fromMap(Map.of(
        "taskmanager.memory.network.min", "64mb", "taskmanager.memory.network.max", "64mb",
        "execution.checkpointing.dir", Files.createTempDirectory("checkpoint").toUri().toString())));
    env.getConfig().enableObjectReuse();
    env.enableCheckpointing(1000);
    KafkaSource<Tuple2<String, Long>> source = KafkaSource.<Tuple2<String, Long>>builder()
        .setBootstrapServers(Ysb.arg(args, "brokers")).setTopics(Ysb.arg(args, "topic")).setGroupId("flink-ysb")
        .setValueOnlyDeserializer(new Views())
        .setStartingOffsets(OffsetsInitializer.earliest()).setBounded(OffsetsInitializer.latest()).build();
    env.fromSource(source, WatermarkStrategy.<Tuple2<String, Long>>forBoundedOutOfOrderness(LATENESS)
            .withTimestampAssigner((view, at) -> view.f1), "kafka")
        .keyBy(view -> view.f0, Types.STRING)
        .window(TumblingEventTimeWindows.of(Duration.ofSeconds(10)))
        .aggregate(new Count(), new Result()).returns(Types.LONG)
        .sinkTo(new DiscardingSink<>());
    long cpu = Ysb.cpuMs();
    JobExecutionResult r = env.execute("ysb");
    cpu = Ysb.cpuMs() - cpu;
    long events = EVENTS.sum();
    Ysb.write(Ysb.arg(args, "result"), CELLS);
    System.out.printf("result all=%d late=%d events=%d wall_ms=%d cpu_ms=%d%n", events, 0, events, r.getNetRuntime(), cpu);
  }
}
