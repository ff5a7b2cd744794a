import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the rivals' programs share: the table of campaigns, the events' fields, the result. */
public final class Ysb {
  private Ysb() {}

  /** The table: lines of ad, tab, campaign. */
  static Map<String, String> campaigns(String file) throws IOException {
    Map<String, String> out = new HashMap<>();
    for (String line : Files.readAllLines(Path.of(file))) {
      int tab = line.indexOf('\t');
      out.put(line.substring(0, tab), line.substring(tab + 1));
    }
    return out;
  }

  /** The text of a member of the benchmark's flat JSON, found without a parser: all values are strings, with a space in front. */
  static String text(String json, String member) {
    int i = json.indexOf("\"" + member + "\": \"");
    if (i < 0) return null;
    i += member.length() + 5;
    return json.substring(i, json.indexOf('"', i));
  }

  /** CPU time of this process in ms, the compiler's and the collector's threads included. */
  static long cpuMs() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1_000_000;
  }

  /** Where a count belongs. */
  static String cell(String campaign, long windowStartMs) {
    return campaign + "\t" + windowStartMs;
  }

  /** Writes the result as lines of campaign, tab, start of the window in ms, tab, views. */
  static void write(String file, Map<String, Long> cells) throws IOException {
    List<String> lines = new ArrayList<>(cells.size());
    cells.forEach((cell, views) -> lines.add(cell + "\t" + views));
    Files.write(Path.of(file), lines);
  }

  static String arg(String[] args, String name) {
    for (int i = 0; i + 1 < args.length; i += 2) if (args[i].equals("--" + name)) return args[i + 1];
    throw new IllegalArgumentException("--" + name + " is missing");
  }
}
