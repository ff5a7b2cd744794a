import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.from_json;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.window;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.ForeachWriter;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StateOperatorProgress;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import org.apache.spark.sql.streaming.StreamingQueryProgress;
import org.apache.spark.sql.streaming.Trigger;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The job in Spark's Structured Streaming: JSON of a topic -> views only -> campaign (broadcast join) -> windows of 10 s -> count, in
 * update mode, from the topic's beginning to what is its end at the start.
 *
 *   YsbSpark --brokers B --topic T --campaigns FILE --result FILE --batch EVENTS --warm BATCHES
 *
 * Prints "result all=… late=… events=… wall_ms=… cpu_ms=…". all is what was read; events, wall_ms (the sum of triggerExecution) and
 * cpu_ms are of the batches behind the first --warm, in which the JVM compiles.
 */
public final class YsbSpark {
  /** The counts so far. In local mode the sink runs in this process. */
  static final Map<String, Long> CELLS = new ConcurrentHashMap<>();

  static final class Sink extends ForeachWriter<Row> {
    @Override public boolean open(long partition, long epoch) { return true; }
    @Override public void process(Row r) { CELLS.merge(Ysb.cell(r.getString(0), r.getLong(1)), r.getLong(2), Math::max); }
    @Override public void close(Throwable t) {}
  }

  static final class Progress extends StreamingQueryListener {
    final int warm;
    int batches;
    long all, late, events, wallMs, cpuFrom = -1;
    Progress(int warm) {
      this.warm = warm;
      if (warm == 0) cpuFrom = Ysb.cpuMs();
    }
    @Override public void onQueryStarted(QueryStartedEvent e) {}
    @Override public void onQueryTerminated(QueryTerminatedEvent e) {}
    @Override public synchronized void onQueryProgress(QueryProgressEvent e) {
      StreamingQueryProgress p = e.progress();
      all += p.numInputRows();
      for (StateOperatorProgress o : p.stateOperators()) late += o.numRowsDroppedByWatermark();
      if (p.numInputRows() == 0) return;
      if (batches++ < warm) {
        cpuFrom = Ysb.cpuMs();
        return;
      }
      events += p.numInputRows();
      wallMs += p.durationMs().getOrDefault("triggerExecution", 0L);
    }
  }

  public static void main(String[] args) throws Exception {
    SparkSession spark = SparkSession.builder().appName("ysb").master("local[2]")
        .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.adaptive.enabled", "false").config("spark.sql.session.timeZone", "UTC").getOrCreate();
    spark.sparkContext().setLogLevel("WARN");
    Progress progress = new Progress(Integer.parseInt(Ysb.arg(args, "warm")));
    spark.streams().addListener(progress);

    job(spark, args).writeStream().foreach(new Sink()).outputMode("update").trigger(Trigger.AvailableNow())
        .option("checkpointLocation", Files.createTempDirectory("checkpoint").toString()).start().awaitTermination();
    long cpu = Ysb.cpuMs();
    spark.sparkContext().listenerBus().waitUntilEmpty();
    Ysb.write(Ysb.arg(args, "result"), CELLS);
    synchronized (progress) {
      System.out.printf("result all=%d late=%d events=%d wall_ms=%d cpu_ms=%d%n", progress.all, progress.late, progress.events, progress.wallMs, cpu - progress.cpuFrom);
    }
    spark.stop();
  }

  static Dataset<Row> job(SparkSession spark, String[] args) throws Exception {
    List<Row> rows = new ArrayList<>();
    Ysb.campaigns(Ysb.arg(args, "campaigns")).forEach((ad, campaign) -> rows.add(RowFactory.create(ad, campaign)));
    StructType table = new StructType().add("ad_id", DataTypes.StringType).add("campaign_id", DataTypes.StringType);
    StructType event = new StructType().add("ad_id", DataTypes.StringType).add("event_type", DataTypes.StringType).add("event_time", DataTypes.StringType);
    return spark.readStream().format("kafka").option("kafka.bootstrap.servers", Ysb.arg(args, "brokers"))
        .option("subscribe", Ysb.arg(args, "topic")).option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", Ysb.arg(args, "batch"))
        .load()
        .select(from_json(col("value").cast("string"), event).as("e")).select("e.*")
        .where(col("event_type").equalTo("view"))
        .select(col("ad_id"), expr("timestamp_millis(cast(event_time as bigint))").as("at"))
        .join(broadcast(spark.createDataFrame(rows, table)), "ad_id")
        .withWatermark("at", "10 seconds")
        .groupBy(window(col("at"), "10 seconds"), col("campaign_id")).agg(count(lit(1)).as("views"))
        .select(col("campaign_id"), expr("unix_millis(window.start)"), col("views"));
  }
}
