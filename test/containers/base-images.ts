import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildah, STORE } from './buildah.ts';
import { run } from './command.ts';

/** What `FROM` names in deploy/Dockerfile, and whether it comes with Node.js. */
const BASE_IMAGES = [
  { name: 'docker.io/library/debian:bookworm-slim', hasNode: false },
  { name: 'docker.io/library/node:24-bookworm-slim', hasNode: true },
];

const ROOT_FOLDER = `${STORE}base`;
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** Names this machine's mirror of Debian, and the certificate authorities by which it is reached. */
const MACHINE_FILES = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources', CERTIFICATES];

/** Of Debian's own slim images: no manuals, and no flush to the disk after each file. */
const SLIM_SETTINGS = `force-unsafe-io
path-exclude /usr/share/doc/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
`;

const KEEP_NO_PACKAGES = `DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
`;

/**
 * Makes stand-ins for the public base images from Debian's packages and this machine's own Node.js, because test
 * machines reach no registry of images. They serve tests alone.
 */
export async function ensureBaseImages(): Promise<void> {
  const present = await buildah('images', '--format={{.Name}}:{{.Tag}}');
  const missing = BASE_IMAGES.filter(({ name }) => !present.split('\n').includes(name));
  if (missing.length === 0) return;
  await bootstrapDebian();
  for (const { name, hasNode } of missing) {
    if (hasNode) await addNode();
    const container = await buildah('from', 'scratch');
    await buildah('copy', '--quiet', container, ROOT_FOLDER, '/');
    await buildah(
      'config',
      '--env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      container,
    );
    await buildah('commit', '--quiet', '--rm', container, name);
  }
  await rm(ROOT_FOLDER, { recursive: true });
}

async function bootstrapDebian(): Promise<void> {
  await rm(ROOT_FOLDER, { recursive: true, force: true });
  await mkdir(STORE, { recursive: true });
  await run('debootstrap', [
    '--variant=minbase',
    '--include=ca-certificates',
    'bookworm',
    ROOT_FOLDER,
    await debianMirror(),
  ]);
  await run('chroot', [ROOT_FOLDER, 'apt-get', 'clean']);
  await rm(`${ROOT_FOLDER}/etc/apt/sources.list`, { force: true });
  for (const file of MACHINE_FILES.filter((file) => existsSync(file)))
    await copyFile(file, ROOT_FOLDER + file);
  await writeFile(`${ROOT_FOLDER}/etc/dpkg/dpkg.cfg.d/docker`, SLIM_SETTINGS);
  await cp('/etc/apt/apt.conf.d', `${ROOT_FOLDER}/etc/apt/apt.conf.d`, { recursive: true });
  await writeFile(`${ROOT_FOLDER}/etc/apt/apt.conf.d/docker-clean`, KEEP_NO_PACKAGES);
  await writeFile(`${ROOT_FOLDER}/etc/passwd`, 'node:x:1000:1000::/home/node:/bin/bash\n', { flag: 'a' });
  await writeFile(`${ROOT_FOLDER}/etc/group`, 'node:x:1000:\n', { flag: 'a' });
}

async function debianMirror(): Promise<string> {
  const files = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'];
  const texts = await Promise.all(
    files.filter((file) => existsSync(file)).map((file) => readFile(file, 'utf8')),
  );
  const [, mirror] = /^(?:URIs:|deb )\s*(https?:\S+)/m.exec(texts.join('\n')) ?? [];
  if (mirror === undefined) throw new Error('apt has no mirror of Debian on this machine');
  return mirror;
}

/** Node.js and npm of this machine, with its npm registry. */
async function addNode(): Promise<void> {
  const npm = path.dirname(path.dirname(await realpath((await run('which', ['npm'])).trim())));
  await copyFile(await realpath(process.execPath), `${ROOT_FOLDER}/usr/local/bin/node`);
  await cp(npm, `${ROOT_FOLDER}/usr/local/lib/node_modules/npm`, { recursive: true });
  await run('ln', ['-sf', '../lib/node_modules/npm/bin/npm-cli.js', `${ROOT_FOLDER}/usr/local/bin/npm`]);
  const registry = (await run('npm', ['config', 'get', 'registry'])).trim();
  await mkdir(`${ROOT_FOLDER}/usr/local/etc`, { recursive: true });
  const settings = `registry=${registry}\ncafile=${CERTIFICATES}\n`;
  await writeFile(`${ROOT_FOLDER}/usr/local/etc/npmrc`, settings);
}
