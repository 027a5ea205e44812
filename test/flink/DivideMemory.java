// Flink's BashJavaUtils, which its scripts run once for each process that they start, run for many configurations in one JVM. A line of the input is the arguments
// of one run, with tabs between them; before what a run prints stands ASKED, and behind it REFUSED where it threw.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.apache.flink.runtime.util.bash.BashJavaUtils;

public class DivideMemory {
    public static void main(String[] none) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println("ASKED");
            try {
                BashJavaUtils.main(line.split("\t"));
            } catch (Throwable refusal) {
                System.out.println("REFUSED " + refusal.toString().split("\n")[0]);
            }
        }
    }
}
