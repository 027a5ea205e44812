// Apache Flink's image on the node, from the project's Dockerfile.flink. Of ~0.7 GB: put there when a test asks for it.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildArchive } from './buildah.ts';
import { kubernetesCache } from './binaries.ts';
import { ensureFlinkBaseImage, flinkBaseVersion } from './flink-base-image.ts';
import { ctr, importImage } from './node.ts';

/** What pods call the image that was loaded last. */
export const FLINK_IMAGE = 'docker.io/library/flowjob-flink:dev';

/** Builds the image when what it is made from changed and puts it on the node. Returns its name, which no other content has. */
export async function loadFlinkImage(folder: string, log: (line: string) => void): Promise<string> {
  const version = createHash('sha256')
    .update(flinkBaseVersion())
    .update(readFileSync('Dockerfile.flink'))
    .update(readFileSync('scripts/flink-class-archives.sh'))
    .digest('hex')
    .slice(0, 12);
  const name = `docker.io/library/flowjob-flink:${version}`;
  const archive = kubernetesCache('images', `flowjob-flink-${version}.tar`);
  if (!existsSync(archive)) {
    await ensureFlinkBaseImage(log);
    removeOldArchives();
    log(`building ${name} from Dockerfile.flink`);
    await buildArchive({ name, context: '.', dockerfile: 'Dockerfile.flink' }, archive);
  }
  await importImage(folder, name, archive);
  await ctr(folder, 'images', 'tag', '--force', name, FLINK_IMAGE);
  return name;
}

/** Each is large, and made anew in half a minute. */
function removeOldArchives(): void {
  const folder = kubernetesCache('images');
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder).filter((name) => name.startsWith('flowjob-flink-')))
    rmSync(join(folder, file));
}
