# A program for Flink in Python: a table program with a function of its own, which fails of negative numbers.
import argparse
import math

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import udf

parser = argparse.ArgumentParser()
parser.add_argument("--input")
parser.add_argument("--output")
parser.add_argument("--version")
parser.add_argument("--follow", action="store_true", help="files that come later are read, too")
args = parser.parse_args()


@udf(result_type=DataTypes.BIGINT())
def root(n):
    return math.isqrt(n)


tables = StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment())
tables.create_temporary_function("root", root)
follow = ", 'source.monitor-interval' = '200 ms'" if args.follow else ""
tables.execute_sql(
    f"CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{args.input}', 'format' = 'csv'{follow})"
)
tables.execute_sql(
    "CREATE TABLE seen (n BIGINT, root BIGINT, version INT) WITH ('connector' = 'filesystem', "
    f"'path' = '{args.output}', 'format' = 'csv')"
)
tables.execute_sql(f"INSERT INTO seen SELECT n, root(n), {int(args.version)} FROM numbers")
