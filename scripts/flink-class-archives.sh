#!/bin/sh
# Part of the image that Dockerfile.flink makes, as make-class-archives.sh: it writes archives of the classes that a JobManager and a TaskManager of a SQL job load
# (class data sharing, JEP 350), which the operator's pods start with. A JVM takes an archive only for the class path that it was made with, so an image with more
# jars in lib/ runs this again, behind them: RUN make-class-archives.sh. It needs Java 13 and Flink 2.0.
set -eu
export FLINK_HOME="${FLINK_HOME:-/opt/flink}"
export FLINK_LIB_DIR="$FLINK_HOME/lib" FLINK_OPT_DIR="$FLINK_HOME/opt" FLINK_PLUGINS_DIR="$FLINK_HOME/plugins"
archives=$FLINK_HOME/class-archives
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As the operator's pods have it: in the order of Flink's own config.sh.
CLASSPATH=
for jar in "$FLINK_LIB_DIR"/*.jar; do
  case $jar in */flink-dist*) dist=$jar ;; *) CLASSPATH=$CLASSPATH$jar: ;; esac
done
export CLASSPATH=$CLASSPATH$dist

mkdir "$work/conf" "$work/tmp"
cat > "$work/conf/config.yaml" << END
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: 26123
rest.address: 127.0.0.1
rest.port: 26124
web.refresh-interval: 200 ms
jobmanager.scheduler: adaptive
cluster.registration.error-delay: 500 ms
execution.checkpointing.interval: 1 s
execution.checkpointing.dir: file://$work/checkpoints
END
cat > "$work/conf/log4j2.properties" << END
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
END
# What most streams do, for two seconds.
cat > "$work/job.sql" << END
CREATE TABLE orders (id INT, customer INT, price DECIMAL(10, 2), note STRING, placed AS PROCTIME()) WITH ('connector' = 'datagen',
  'number-of-rows' = '2000', 'rows-per-second' = '1000', 'fields.customer.min' = '0', 'fields.customer.max' = '9', 'fields.note.length' = '3');
CREATE TABLE files (customer INT, note STRING, price DECIMAL(10, 2)) WITH ('connector' = 'filesystem', 'path' = 'file://$work/files', 'format' = 'csv');
CREATE TABLE more (customer INT, price DECIMAL(10, 2)) WITH ('connector' = 'filesystem', 'path' = 'file://$work/more', 'format' = 'json');
CREATE TABLE totals (customer INT, orders BIGINT, price DECIMAL(38, 2)) WITH ('connector' = 'blackhole');
CREATE TABLE per_second (customer INT, since TIMESTAMP(3), orders BIGINT) WITH ('connector' = 'blackhole');
BEGIN STATEMENT SET;
INSERT INTO files SELECT customer, UPPER(note), price FROM orders WHERE price > 0 AND note <> '';
INSERT INTO more SELECT customer, price FROM orders;
INSERT INTO totals SELECT customer, COUNT(*), SUM(price) FROM orders GROUP BY customer;
INSERT INTO per_second SELECT customer, window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(placed), INTERVAL '1' SECOND))
  GROUP BY customer, window_start, window_end;
END;
END

rm -rf "$archives"
mkdir -p "$archives"
# Flink reaches into the JVM as its own configuration lets it.
modules=$(grep -o -e '--add-[a-z]*=[^ "]*' "$FLINK_HOME/conf/config.yaml")
# Not everywhere that images are built can the machine's own name be looked up.
echo "127.0.0.1 localhost $(cat /proc/sys/kernel/hostname)" > "$work/hosts"
start() {
  role=$1
  shift
  # shellcheck disable=SC2086
  java -XX:ArchiveClassesAtExit="$archives/$role.jsa" -Xlog:cds*=error $modules -Djava.io.tmpdir="$work/tmp" -Djdk.net.hosts.file="$work/hosts" \
    -Dlog4j.configurationFile="file:$work/conf/log4j2.properties" "$@" > "$work/$role.log" 2>&1 &
}
start jobmanager -Xmx512m -XX:TieredStopAtLevel=1 org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint --configDir "$work/conf" \
  --job-classname org.apache.flink.table.runtime.application.SqlDriver -- --scriptUri "file://$work/job.sql"
jobmanager=$!
start taskmanager -Xmx512m org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$work/conf" -D taskmanager.numberOfTaskSlots=1 \
  -D taskmanager.host=127.0.0.1 -D taskmanager.cpu.cores=1.0 -D taskmanager.memory.task.heap.size=256m -D taskmanager.memory.task.off-heap.size=0 \
  -D taskmanager.memory.framework.heap.size=128m -D taskmanager.memory.framework.off-heap.size=64m -D taskmanager.memory.managed.size=128m \
  -D taskmanager.memory.network.min=64m -D taskmanager.memory.network.max=64m -D taskmanager.memory.jvm-metaspace.size=256m \
  -D taskmanager.memory.jvm-overhead.min=192m -D taskmanager.memory.jvm-overhead.max=192m
taskmanager=$!

# The JobManager ends with its job. Neither outlives this script.
(sleep 300 && kill "$jobmanager" "$taskmanager") > /dev/null 2>&1 &
limit=$!
code=0
wait "$jobmanager" || code=$?
kill "$taskmanager" && wait "$taskmanager" || true
kill "$limit" 2> /dev/null || true
for role in jobmanager taskmanager; do
  if [ "$code" -ne 0 ] || [ ! -s "$archives/$role.jsa" ]; then
    echo "make-class-archives.sh: the ${role} of the job whose classes are archived left no archive; exit code of the JobManager: $code. Its log ends:" >&2
    { grep "Caused by" "$work/$role.log" || true; tail -n 40 "$work/$role.log"; } >&2
    exit 1
  fi
done
# For an image that is made from this one, by its own user.
if [ "$(id -u)" -eq 0 ]; then chown -R 9999:9999 "$archives"; fi
chmod 0444 "$archives"/*.jsa
ls -l "$archives"
