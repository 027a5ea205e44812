// The base image of Dockerfile.flink, for a machine that cannot pull it: Debian's minimal system with Java 17 by debootstrap, and the distribution that tests put
// together. It has what the official image has and FlowJob uses: paths, user, environment, the entry point's ways. In buildah's storage of the cluster's
// cache only.
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { parseDocument } from 'yaml';
import { ensureFlink, ensureS3, FLINK_VERSION, S3_JAR } from '../flink/distribution.ts';
import { buildImage, hasImage, removeImage, tagImage } from './buildah.ts';
import { run } from './command.ts';
import { systemFolder, withWorkFolder } from './work-folder.ts';

type Log = (line: string) => void;

export const FLINK_BASE_IMAGE = 'docker.io/library/flink:2.3-java17';

const USER = 9999;
const PACKAGES = ['openjdk-17-jre-headless', 'libjemalloc2'];
/** What no job of ours needs. lib/ is whole. */
const LEFT_OUT = /^(opt\/flink-python-.*|plugins\/s3-fs-hadoop|log\/.*)$/;

/** Runs what it is told with Flink's environment, as the official one does with what is no command of its own. */
const ENTRY_POINT = `#!/bin/bash
# As in the official image, where this library is: memory that Java gives back goes back to the system.
if [ "\${DISABLE_JEMALLOC:-false}" = false ]; then
  LD_PRELOAD=/usr/lib/$(uname -m)-linux-gnu/libjemalloc.so.2
  export LD_PRELOAD
fi
case "\${1:-help}" in
  help) echo "usage: PROGRAM ARGUMENT... | jobmanager | taskmanager | standalone-job" ;;
  jobmanager | taskmanager | standalone-job)
    script=$1
    shift
    exec "$FLINK_HOME/bin/$script.sh" start-foreground "$@"
    ;;
  *) exec "$@" ;;
esac
`;

/** Changes with all that makes the image what it is. */
export const flinkBaseVersion = (): string =>
  createHash('sha256')
    .update(FLINK_VERSION)
    .update(readFileSync('test/kubernetes/flink-base-image.ts'))
    .digest('hex')
    .slice(0, 12);

export async function ensureFlinkBaseImage(log: Log): Promise<void> {
  // Under a second name, which tells whether it was made as it would be now.
  const current = `localhost/flink-base:${flinkBaseVersion()}`;
  if ((await hasImage(FLINK_BASE_IMAGE)) && (await hasImage(current))) return;
  await removeImage(FLINK_BASE_IMAGE);
  const home = await ensureFlink(log);
  const s3 = await ensureS3(home, log);
  log(`making a stand-in for ${FLINK_BASE_IMAGE}, once: debootstrap, Java and Flink; a minute, 0.8 GB of disk`);
  await withWorkFolder('flink-base-image', async (work) => {
    const system = systemFolder(work);
    await run('debootstrap', ['--variant=minbase', `--include=${PACKAGES.join(',')}`, 'bookworm', system]);
    const [java] = readdirSync(join(system, 'usr/lib/jvm')).filter((name) => name.startsWith('java-17-'));
    mkdirSync(join(system, 'opt/java'));
    symlinkSync(join('/usr/lib/jvm', java!), join(system, 'opt/java/openjdk'));
    appendFileSync(join(system, 'etc/passwd'), `flink:x:${USER}:${USER}::/opt/flink:/bin/sh\n`);
    appendFileSync(join(system, 'etc/group'), `flink:x:${USER}:\n`);
    const flink = join(system, 'opt/flink');
    cpSync(home, flink, { recursive: true, filter: (path) => !LEFT_OUT.test(relative(home, path)) });
    copyFileSync(s3, join(flink, 'opt', S3_JAR));
    openToTheNetwork(join(flink, 'conf/config.yaml'));
    await run('chown', ['--recursive', `${USER}:${USER}`, flink]);
    writeFileSync(join(system, 'docker-entrypoint.sh'), ENTRY_POINT);
    chmodSync(join(system, 'docker-entrypoint.sh'), 0o755);
    const dockerfile = join(work, 'Dockerfile');
    writeFileSync(dockerfile, DOCKERFILE);
    // No device files: a build without all of root's rights cannot make them, and the container's own /dev lies over them.
    const leaveOut = ['--exclude=./dev/*', '--exclude=./proc/*', '--exclude=./sys/*', '--exclude=./var/cache/apt/*'];
    await run('tar', ['--create', '--file', join(work, 'system.tar'), '--directory', system, ...leaveOut, '.']);
    rmSync(system, { recursive: true, force: true });
    await buildImage({ name: FLINK_BASE_IMAGE, context: work, dockerfile });
    await tagImage(FLINK_BASE_IMAGE, current);
  });
}

const DOCKERFILE = `FROM scratch
ADD system.tar /
ENV JAVA_HOME=/opt/java/openjdk FLINK_HOME=/opt/flink LANG=C.UTF-8
ENV PATH=/opt/flink/bin:/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /opt/flink
USER flink
ENTRYPOINT ["/docker-entrypoint.sh"]
EXPOSE 6123 8081
CMD ["help"]
`;

/** As the official image does: the distribution's own configuration is for one machine. */
function openToTheNetwork(file: string): void {
  const config = parseDocument(readFileSync(file, 'utf8'));
  config.setIn(['rest', 'address'], '0.0.0.0');
  config.setIn(['rest', 'bind-address'], '0.0.0.0');
  config.setIn(['jobmanager', 'bind-host'], '0.0.0.0');
  config.setIn(['taskmanager', 'bind-host'], '0.0.0.0');
  config.deleteIn(['taskmanager', 'host']);
  writeFileSync(file, config.toString());
}
