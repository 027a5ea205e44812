// The images on the node: the project's own, from its Dockerfile, and those of the cluster's programs. Each is named by what it was made from, so that it is
// built once and imported once.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BASE_IMAGE, ensureBaseImage } from './base-image.ts';
import { kubernetesCache } from './binaries.ts';
import { buildArchive } from './buildah.ts';
import { ctr, importImage } from './node.ts';
import { withWorkFolder } from './work-folder.ts';

type Log = (line: string) => void;

/** What pods call the image that was loaded last. */
export const IMAGE = 'docker.io/library/flowjob:dev';
/** Where tools look for certificate authorities, a proxy's own among them. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';
const KEPT_ARCHIVES = 3;

/** The tag of the image of this checkout's sources. */
export const projectImageTag = (): string => hashOf(contextFiles(process.cwd()));

/** Builds the project's image when its sources changed and puts it on the node. Returns its name, which no other content has. */
export async function loadProjectImage(folder: string, log: Log): Promise<string> {
  const version = projectImageTag();
  const name = `docker.io/library/flowjob:${version}`;
  const archive = archiveFile(`flowjob-${version}`);
  if (!existsSync(archive)) {
    await ensureBaseImage(log);
    log(`building ${name} from the Dockerfile`);
    await withAuthorities(async (volumes) =>
      buildArchive({ name, context: process.cwd(), dockerfile: 'Dockerfile', volumes }, archive),
    );
    removeOldArchives();
  }
  await importImage(folder, name, archive);
  await ctr(folder, 'images', 'tag', '--force', name, IMAGE);
  return name;
}

/** Packs one static program as the image `name` and puts it on the node. */
export async function loadProgramImage(folder: string, program: string, name: string): Promise<void> {
  const archive = archiveFile(`${basename(program)}-${hashOf([program])}`);
  if (!existsSync(archive)) {
    await withWorkFolder('program', async (work) => {
      copyFileSync(program, join(work, 'program'));
      const dockerfile = join(work, 'Dockerfile');
      writeFileSync(dockerfile, 'FROM scratch\nCOPY program /program\nUSER 65532:65532\nENTRYPOINT ["/program"]\n');
      await buildArchive({ name, context: work, dockerfile }, archive);
    });
  }
  await importImage(folder, name, archive);
}

/** The files of the build context, which .dockerignore lists: it refuses everything and then lets in what the image is made of. */
export function contextFiles(root: string): string[] {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  const included = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const endings = lines.filter((line) => line.startsWith('**/*')).map((line) => line.slice('**/*'.length));
  const files = included.flatMap((path) => filesBelow(join(root, path)));
  return ['Dockerfile', '.dockerignore']
    .map((name) => join(root, name))
    .concat(files.filter((file) => !endings.some((ending) => file.endsWith(ending))));
}

function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((entry) => filesBelow(join(path, entry)));
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256').update(BASE_IMAGE);
  for (const file of files) hash.update(`\0${basename(file)}\0`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

const archiveFile = (name: string): string => kubernetesCache('images', `${name}.tar`);

/** Behind a proxy that opens TLS, npm needs the proxy's authority, which the machine has and the image must not: mounted while it is built. */
async function withAuthorities(build: (volumes: string[]) => Promise<void>): Promise<void> {
  if (!existsSync(AUTHORITIES)) return build([]);
  await withWorkFolder('npm', async (work) => {
    const npmConfig = join(work, 'npmrc');
    writeFileSync(npmConfig, `cafile=${AUTHORITIES}\n`);
    await build([`${AUTHORITIES}:${AUTHORITIES}:ro`, `${npmConfig}:/root/.npmrc:ro`]);
  });
}

function removeOldArchives(): void {
  const folder = kubernetesCache('images');
  const archives = readdirSync(folder)
    .filter((file) => /^flowjob-[0-9a-f]+\.tar$/.test(file))
    .sort((a, b) => statSync(join(folder, b)).mtimeMs - statSync(join(folder, a)).mtimeMs);
  for (const old of archives.slice(KEPT_ARCHIVES)) rmSync(join(folder, old));
}
